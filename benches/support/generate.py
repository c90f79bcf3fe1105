#!/usr/bin/env python3
"""Writes a JSON log as tracing-subscriber does: generate.py MEGABYTES FILE [STEP [FIRST]]

The log of a bank on EventCore: lines of 640 B on average, 4 % of them WARN or ERROR, one message in ten with an id in
it. A block of 8 MB (a minute of the service) is made line by line from a seed; the file is that block again and again,
each time with another minute and with other ids, so that a gigabyte takes seconds and no line comes twice. Blocks are STEP
minutes apart (default 1), and the first is of the minute FIRST (default 0).
"""

import datetime
import random
import sys

MINUTE = b"2026-11-23T00:00:"  # of every time in the block
ID4 = b"-4eee-"                # third group of every random id
ID7 = b"01a20000-0000-"        # first groups of every ordered id
BLOCK = 8_000_000


class Block:
    def __init__(self):
        self.random = random.Random(1)
        self.lines = []
        self.size = 0
        self.micros = 0

    def below(self, end):
        return int(self.random.random() * end)

    def uuid4(self):
        bits = self.random.getrandbits(104)
        return f"{bits >> 72:08x}-{bits >> 56 & 0xFFFF:04x}-4eee-8{bits >> 40 & 0xFFF:03x}-{bits & 0xFFFFFFFFFF:012x}"

    def uuid7(self):
        bits = self.random.getrandbits(72)
        return f"01a20000-0000-7{bits >> 60:03x}-8{bits >> 48 & 0xFFF:03x}-{bits & 0xFFFFFFFFFFFF:012x}"

    def line(self, level, target, message, fields="", spans=None):
        # About 4,600 us a line, so that a block stays within its minute.
        self.micros = min(self.micros + 1 + self.below(9000), 59_999_999)
        time = f"2026-11-23T00:00:{self.micros // 1_000_000:02}.{self.micros % 1_000_000:06}Z"
        text = f'{{"timestamp":"{time}","level":"{level}","fields":{{"message":"{message}"'
        if fields:
            text += "," + fields
        text += f'}},"target":"{target}"'
        if spans:
            text += f',"span":{spans[-1]},"spans":[{",".join(spans)}]'
        text += "}\n"
        self.lines.append(text)
        self.size += len(text)

    def command(self):
        kind = f'"command_type":"bankapp::domain::{("Deposit", "Withdraw", "Transfer", "OpenAccount")[self.below(4)]}"'
        command = (
            f'{{"causation_id":"{self.uuid4()}","command_id":"{self.uuid7()}",{kind},'
            f'"correlation_id":"{self.uuid4()}","instance":"bank-app-a","name":"command"}}'
        )
        execute, append = '{"name":"execute"}', '{"name":"postgres.append_events"}'
        stream = f"account-{self.below(400):04}"
        debug = f'StreamId(\\"{stream}\\")'
        streams = f'"streams":"[{debug}]"'
        trace = f'"trace_id":"{self.uuid4()}",{kind}'
        app, pipeline, appending = [command], [command, execute], [command, execute, append]
        postgres, runner = "eventcore_postgres", "eventcore::execute_pipeline"

        self.line("INFO", "bankapp", "Started command trace", trace, app)
        self.line("DEBUG", "bankapp", "Starting command execution", kind, app)
        self.line("DEBUG", "bankapp", "Command will read from streams", f'"stream_count":1,{streams}', app)
        self.line("INFO", "bankapp", f"Request {self.random.getrandbits(40):010x} accepted for {stream}", "", app)
        fate = self.below(100)
        if fate < 2:
            waited = 1000 + self.below(9)
            error = '"error":"pool timed out while waiting for an open connection","operation":"read_stream"'
            self.line("ERROR", postgres, "[postgres.database_error] database operation failed", error, pipeline)
            slow = f'"operation":"read_stream","duration_ms":"{waited}","success":false'
            self.line("WARN", "bankapp::backends", "High latency event store operation", slow, pipeline)
            pool = f'"max_connections":5,"current_size":5,"idle_connections":0,"waited_ms":"{waited}"'
            self.line("ERROR", "bankapp", "Connection pool exhausted", pool, app)
            error = f'"total_duration_ms":"{waited}","error":"event store error: read_stream operation failed"'
            self.line("ERROR", "bankapp", "Command failed", error, app)
            return
        read = f'{{"stream_id":"{debug}","name":"postgres.read_stream"}}'
        reading = "[postgres.read_stream] reading events from postgres"
        self.line("INFO", postgres, reading, f'"stream":"{stream}"', [command, execute, read])
        if 2 <= fate < 7:
            version, delay = self.below(500), 8 + self.below(8)
            seen = f'"stream":"{stream}","expected":{version},"actual":{version + 1}'
            conflict = "[postgres.version_conflict] optimistic concurrency check failed"
            self.line("WARN", postgres, conflict, seen, appending)
            again = f'"attempt":1,"delay_ms":{delay},{streams}'
            self.line("WARN", runner, "retrying command after concurrency conflict", again, pipeline)
            again = f'"retry_attempt":1,"delay_ms":{delay},{streams}'
            self.line("WARN", "bankapp", "Retrying command due to concurrency conflict", again, pipeline)
        if 7 <= fate < 12:
            error = f"Insufficient funds: have {self.below(300)}, need {300 + self.below(300)}"
            self.line("ERROR", "bankapp", "Command failed", f'"total_duration_ms":"0","error":"{error}"', app)
        elif fate == 12:
            error = '"total_duration_ms":"2000","timeout_ms":"2000","error":"command timeout"'
            self.line("ERROR", "bankapp", "Command execution timeout", error, app)
        else:
            appended = "[postgres.append_events] appending events to postgres"
            self.line("INFO", postgres, appended, '"stream_count":1,"event_count":1', appending)
            self.line("INFO", runner, "command execution succeeded", "", pipeline)
            done = f'"total_duration_ms":"{self.below(9)}","attempts":1'
            self.line("INFO", "bankapp", "Command completed successfully", done, app)
        done = f'{trace},"duration_ms":{self.below(9)},"phases":1,"success":{"true" if fate > 12 else "false"}'
        self.line("INFO", "bankapp", "Completed command trace", done, app)

    def status(self):
        pool = '"max_connections":10,"current_size":4,"idle_connections":4,"active_connections":0'
        self.line("INFO", "bankapp", "Connection pool status", pool)
        self.line("DEBUG", "bankapp", "Memory usage sample", '"operation":"command_execution","memory_delta_bytes":0')
        lag = self.below(60_000)
        fields = f'"projection":"account-balances","lag_seconds":{lag / 1000},"events_behind":{lag // 70}'
        if lag < 30_000:
            self.line("INFO", "bankapp", "Projection checkpoint status", fields + ',"status":"Healthy"')
        else:
            fields += ',"threshold_seconds":30.0,"status":"Lagging"'
            self.line("WARN", "bankapp", "Projection lag exceeds threshold", fields)
        if self.below(30) == 0:
            self.line("ERROR", "bankapp", "memory allocation failed", '"operation":"statement_export"')

    def bytes(self):
        while self.size < BLOCK:
            self.command()
            if self.below(40) == 0:
                self.status()
        return "".join(self.lines).encode()


def main():
    megabytes, path = int(sys.argv[1]), sys.argv[2]
    block = Block().bytes()
    step, first = (int(argument) for argument in [*sys.argv[3:5], *("1", "0")[len(sys.argv[3:5]) :]])
    left, minute = megabytes * 1_000_000, first
    with open(path, "wb") as out:
        while left > 0:
            time = datetime.datetime(2026, 11, 23) + datetime.timedelta(minutes=minute)
            text = block.replace(MINUTE, time.strftime("%Y-%m-%dT%H:%M:").encode())
            text = text.replace(ID4, b"-4%03x-" % (minute % 4096))
            ms = 1_795_392_000_000 + minute * 60_000
            text = text.replace(ID7, b"%08x-%04x-" % (ms >> 16, ms & 0xFFFF))
            if len(text) > left:
                # Whole lines, and at least one.
                text = text[: text.rfind(b"\n", 0, max(left, 2000)) + 1]
                left = 0
            out.write(text)
            left -= len(text)
            minute += step


if __name__ == "__main__":
    main()
