/* What needs a script: filter and sort tables, copy a line. Without it all is still there to read. */
(() => {
  "use strict";
  const words = (row) => row.textContent.toLowerCase();
  const make = (name, attributes) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  /* Figures as figures, whatever separates their thousands or follows them; else texts as texts. */
  const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, "%": 1 };
  const value = (cell) => {
    const time = cell.querySelector("time");
    if (time) return time.getAttribute("datetime");
    const text = cell.textContent.trim();
    const figure = /^([+-]?[\d,]+(?:\.\d+)?)\s*(B|kB|MB|GB|%)?(?:\s|$)/.exec(text);
    return figure ? parseFloat(figure[1].replaceAll(",", "")) * (units[figure[2]] || 1) : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  const sortable = (table) => {
    const body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = make("button", { type: "button" });
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const keyed = [...body.rows].map((row) => [value(row.cells[column]), row]);
        keyed.sort((a, b) => (up ? compare(a[0], b[0]) : compare(b[0], a[0])));
        body.replaceChildren(...keyed.map((pair) => pair[1]));
      });
    });
  };

  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 5) return;
    const bar = make("div", { class: "filter" });
    const name = table.caption.textContent;
    const text = make("input", { type: "search", placeholder: "filter", "aria-label": `Filter ${name}` });
    const shown = make("span", { class: "muted", role: "status" });
    bar.append(text);
    let severity = null;
    const severities = [...new Set(rows.map((row) => row.dataset.severity).filter(Boolean))];
    if (severities.length > 1) {
      severity = make("select", { "aria-label": `Severity in ${name}` });
      for (const each of ["any severity", ...severities]) {
        const option = make("option", {});
        option.textContent = each;
        severity.append(option);
      }
      bar.append(severity);
    }
    bar.append(shown);
    const apply = () => {
      const wanted = text.value.toLowerCase();
      const only = severity && severity.selectedIndex > 0 ? severity.value : null;
      let count = 0;
      for (const row of rows) {
        row.hidden = !words(row).includes(wanted) || (only !== null && row.dataset.severity !== only);
        if (!row.hidden) count += 1;
      }
      shown.textContent = wanted || only ? `${count} of ${rows.length}` : "";
    };
    text.addEventListener("input", apply);
    if (severity) severity.addEventListener("change", apply);
    table.closest(".scroll").before(bar);
  };

  for (const table of document.querySelectorAll("table.rows")) {
    filterable(table);
    sortable(table);
  }

  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const line = button.closest(".line");
      const text = `${line.querySelector(".place").textContent}\n${line.querySelector("pre").textContent}`;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "copied";
      } catch {
        const range = document.createRange();
        range.selectNodeContents(line.querySelector("pre"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = "selected";
      }
    });
  }

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => each.setAttribute("open", "")));
})();
