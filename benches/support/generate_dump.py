#!/usr/bin/env python3
"""Writes an event store's dump twice, as CSV and as pg_dump's plain text:

    generate_dump.py EVENTS FOLDER [--streams N] [--faulty] [--seed N]

makes FOLDER/events-10m.csv and events-10m.sql of 10000000 events, and prints what is wrong with them as JSON: nothing,
or with --faulty (events-10m-faulty.*) twenty gaps, twenty versions taken twice and twenty event ids used twice.

The store of a bank on EventCore: half of its streams are orders of one or two events, half are accounts, of which
few have most of the events. Rows stand as a heap has them, nearly in the order of their times. What the plain
dump says around its events is taken from a real one, fixtures/pg-dump.
"""

import argparse
import collections
import datetime
import json
import os
import random
import re

BEGIN = datetime.datetime(2026, 10, 24, tzinfo=datetime.timezone.utc)  # ten million events later it is November 22
BLOCK = 4096  # rows written at once
FAULTS = 20   # of each kind
REAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../fixtures/pg-dump/copy/input/bank.sql")


def events(count, streams, faulty, seed, truth):
    """Yields (id, stream, version, type, payload, time), in the order of the times."""
    rng = random.Random(seed)
    draw, bits = rng.random, rng.getrandbits
    # Faults have their own numbers, so that the clean and the faulty dump differ in nothing else.
    places = random.Random(seed + 1)
    kinds = ("gaps", "duplicate_versions", "duplicate_ids")
    planned = sorted(zip(places.sample(range(count // 10, count - count // 100), 3 * FAULTS), kinds * FAULTS))
    planned = collections.deque(planned if faulty else ())
    spoiled = set()  # a stream has one fault at most: the counts stay independent

    micros = int(BEGIN.timestamp()) * 1_000_000
    minute, prefix = -1, ""
    versions, latest = [], []  # of each account: its version, and the milliseconds of its last id
    placed = collections.deque()
    opened = 0
    cause = last_id = ""
    for at in range(count):
        micros += 1 + int(draw() * 518_000)
        micros += micros % 1_000_000 == 0  # PostgreSQL writes no fraction then; here there always is one
        if micros // 60_000_000 != minute:
            minute = micros // 60_000_000
            prefix = datetime.datetime.fromtimestamp(minute * 60, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:")
        second, fraction = divmod(micros % 60_000_000, 1_000_000)
        time = f"{prefix}{second:02}.{fraction:06}".rstrip("0") + "+00"

        x = bits(122)
        flow = f"{x >> 90:08x}-{x >> 74 & 0xffff:04x}-4{x >> 62 & 0xfff:03x}-{0x8000 | x >> 48 & 0x3fff:04x}-{x & 0xffffffffffff:012x}"
        meta = f'"meta": {{"causation_id": "{cause or flow}", "correlation_id": "{flow}"}}'
        cause = flow

        # Ids are made a little after the transaction began, so the rows of two streams may be out of step.
        ms = micros // 1000 + int(draw() * 40)
        opening = at * streams // count >= opened
        account = order = None
        if opening and opened % 2:
            order, version = "", 1
        elif opening:
            account, version = len(versions), 1
            versions.append(1)
            latest.append(ms)
        elif len(placed) > 100:
            order, version = placed.popleft(), 2
        else:
            account = int(len(versions) * draw() ** 3)
            if ms <= latest[account]:
                ms = latest[account] + 1
            latest[account] = ms
            versions[account] += 1
            version = versions[account]

        x, head = bits(74), f"{ms:012x}"
        event = f"{head[:8]}-{head[8:]}-7{x >> 62:03x}-{0x8000 | x >> 48 & 0x3fff:04x}-{x & 0xffffffffffff:012x}"
        if account is None:
            kind = "OrderEvent"
            if version == 1:
                order = f"order-{event}"
                if draw() < 0.6:
                    placed.append(order)
                items = ", ".join(f'"sku-{int(draw() * 500)}"' for _ in range(1 + int(draw() * 4)))
                data = f'{{"OrderPlaced": {{{meta}, "items": [{items}], "account": "account-{int(draw() * len(versions)):04}", "order_id": "{order}", "total_cents": {int(draw() * 5000)}}}}}'
            else:
                data = f'{{"OrderShipped": {{{meta}, "carrier": "{("dhl", "ups")[at & 1]}", "order_id": "{order}"}}}}'
            stream = order
        else:
            kind, stream = "BankEvent", f"account-{account:04}"
            if opening:
                holder = f"Holder {account}" if account % 50 else f'Zoë \\"{account}\\" Ångström'
                data = f'{{"AccountOpened": {{{meta}, "holder": "{holder}", "account_id": "{stream}"}}}}'
            else:
                what = "MoneyDeposited" if draw() < 0.62 else "MoneyWithdrawn"
                data = f'{{"{what}": {{{meta}, "amount": {int(draw() * 5000)}, "account_id": "{stream}"}}}}'
                if planned and at >= planned[0][0] and account not in spoiled and stream != last_stream:
                    fault = planned.popleft()[1]
                    spoiled.add(account)
                    truth[fault] += 1
                    if fault == "gaps":
                        version = versions[account] = version + 1
                    elif fault == "duplicate_versions":
                        version = versions[account] = version - 1
                    else:
                        event = last_id
        opened += opening
        last_id, last_stream = event, stream
        yield event, stream, version, kind, data, time


def heap(rows, seed):
    """Gives rows in blocks: a few stand where an older row was removed, a few blocks where an older page was."""
    rng = random.Random(seed + 2)
    held, block = None, []

    def settled():
        nonlocal held
        for _ in range(len(block) // 32):
            a = int(rng.random() * len(block))
            b = min(a + int(rng.random() * 128), len(block) - 1)
            block[a], block[b] = block[b], block[a]
        if held is None and rng.random() < 0.05:
            held = block
            return
        yield block
        if held is not None and rng.random() < 0.2:
            yield held
            held = None

    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            yield from settled()
            block = []
    yield from settled()
    if held is not None:
        yield held


def main():
    options = argparse.ArgumentParser()
    options.add_argument("events", type=int)
    options.add_argument("folder")
    options.add_argument("--streams", type=int, help="default: one for fifty events")
    options.add_argument("--faulty", action="store_true")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    count, streams = asked.events, asked.streams or max(asked.events // 50, 2)
    truth = {"events": count, "streams": streams, "gaps": 0, "duplicate_versions": 0, "duplicate_ids": 0}

    size = f"{count // 1_000_000}m" if count % 1_000_000 == 0 else str(count)
    name = os.path.join(asked.folder, f"events-{size}{'-faulty' if asked.faulty else ''}")
    real = open(REAL, encoding="utf-8").read()
    columns = "event_id, stream_id, stream_version, event_type, event_data, metadata, created_at"
    copy = f"COPY public.eventcore_events ({columns}) FROM stdin;\n"
    before, after = real.split(copy)
    after = after[after.index("\\.\n"):]

    last = ("", "")
    with open(f"{name}.csv.part", "w", encoding="utf-8") as csv, open(f"{name}.sql.part", "w", encoding="utf-8") as sql:
        csv.write(columns.replace(" ", "") + "\n")
        sql.write(before + copy)
        for block in heap(events(count, streams, asked.faulty, asked.seed, truth), asked.seed):
            csv.write("".join([
                f'{event},{stream},{version},{kind},"' + data.replace('"', '""') + f'",{{}},{time}\n'
                for event, stream, version, kind, data, time in block
            ]))
            sql.write("".join([
                f"{event}\t{stream}\t{version}\t{kind}\t" + data.replace("\\", "\\\\") + f"\t{{}}\t{time}\n"
                for event, stream, version, kind, data, time in block
            ]))
            last = max(last, max((row[0], row[5]) for row in block))
        # The projections have seen everything.
        sql.write(re.sub(r"(?m)^([a-z-]+)\t[0-9a-f-]{36}\t.*$", rf"\1\t{last[0]}\t{last[1]}", after))
    for extension in ("csv", "sql"):
        os.rename(f"{name}.{extension}.part", f"{name}.{extension}")
    text = json.dumps(truth)
    open(f"{name}.json", "w").write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
