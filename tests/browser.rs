//! The page as its readers meet it: opened in a browser, light and dark, narrow and on paper, with and without script.
//!
//! Without a browser these tests pass and say what they did not look at.

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use support::{Run, say};
use webdriver::Browser;

/// Pages are written once: a report of an incident, and one of evidence that attacks its reader.
struct Pages {
    folder: tempfile::TempDir,
}

/// Runs if nothing escaped it. `alert` would stop the browser, so attacks say their name in the title.
const ATTACKS: [&str; 6] = [
    "<script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"><svg onload=document.title='broken'>",
    "</title></style></script><script src=https://attacker.invalid/x.js></script>",
    "javascript:document.title='broken'",
    "\u{202e}gnp.exe \u{1b}]0;broken\u{7} &lt;b&gt; {{7*7}} ${7*7}",
];

impl Pages {
    fn write() -> Pages {
        let folder = tempfile::tempdir().expect("a folder");
        let page = |name: &str| format!("-o {}", folder.path().join(name).display());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Run::new().within(root).args("analyze fixtures/incident/input -q").args(&page("incident.html")).run();
        let mut log = String::new();
        for (second, attack) in attacks().iter().enumerate() {
            for message in [format!("Connection pool exhausted {attack}"), format!("{attack} unheard of")] {
                let entry = json!({
                    "timestamp": format!("2026-11-23T15:{:02}:{:02}Z", second / 60 % 60, second % 60),
                    "level": "ERROR", "message": message, "error": attack, "stream_id": attack,
                    "service": attack, "trace_id": attack, "operation": attack, "duration_ms": 5000 + second,
                });
                log.push_str(&format!("{entry}\n"));
            }
        }
        Run::new()
            .file("<img src=x onerror=document.title='broken'>.log", log)
            .args("analyze . -q")
            .args(&page("hostile.html"))
            .run();
        Pages { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Ours, and a public list where it lies beside the project.
fn attacks() -> Vec<String> {
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/xss-payloads/xss-payload-list.txt");
    let public = fs::read_to_string(&list).unwrap_or_else(|_| {
        say(&format!("SKIPPED: {}: only our own attacks were tried", list.display()));
        String::new()
    });
    ATTACKS.iter().map(|attack| (*attack).to_owned()).chain(public.lines().map(str::to_owned)).collect()
}

#[test]
fn pages_are_quiet_fit_and_can_be_read() {
    let Some(browser) = Browser::start() else { return };
    let pages = Pages::write();
    for name in ["incident.html", "hostile.html"] {
        browser.open(&pages.path(name));
        nothing_is_asked_for(&browser, name);
        let title = browser.eval("return document.title");
        assert!(
            title.as_str().is_some_and(|title| title.starts_with("Incident report: ")),
            "{name}: {title}"
        );
        assert_eq!(
            browser.eval("return document.querySelectorAll('img, iframe, object, embed, link').length"),
            0
        );
        assert_eq!(browser.eval("return document.scripts.length"), 1, "{name}: only ours");
        for width in [380, 768, 1280] {
            browser.resize(width);
            let wide = browser.eval("return document.documentElement.scrollWidth").as_u64().expect("pixels");
            assert!(wide <= u64::from(width), "{name}: {wide} pixels of {width}");
        }
        for scheme in ["light", "dark"] {
            browser.prefers(scheme);
            let faint = browser.eval(FAINT);
            assert_eq!(faint, json!([]), "{name}, {scheme}: texts that are too faint");
            accessible(&browser, &format!("{name}, {scheme}"));
        }
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
    }
}

fn nothing_is_asked_for(browser: &Browser, name: &str) {
    let requests = browser.requests();
    let others: Vec<&String> = requests.iter().filter(|url| !url.ends_with(&format!("/{name}"))).collect();
    assert!(!requests.is_empty(), "{name}: the log of requests works");
    assert!(others.is_empty(), "{name} asks for {others:?}");
}

/// Texts with less contrast than WCAG 2.2 asks for (1.4.3: 4.5, and 3 for large ones), as `[text, contrast]`.
const FAINT: &str = r"
  const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'title'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5)) faint.push([walker.currentNode.data.slice(0, 40), contrast]);
  }
  return faint.slice(0, 10);";

/// Asks axe-core (github.com/dequelabs/axe-core) for breaches of WCAG 2.2 A and AA.
fn accessible(browser: &Browser, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(&file) else {
        say(&format!(
            "SKIPPED: {}: axe-core looked at no page (npm install --prefix target/axe axe-core)",
            file.display()
        ));
        return;
    };
    browser.eval(&axe);
    let found = browser.eval_later(
        "const done = arguments[arguments.length - 1];
         axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(
           (result) => done(result.violations.map((each) => [each.id, each.help, each.nodes[0].html.slice(0, 200)])),
           (error) => done(String(error)));",
    );
    assert_eq!(found, json!([]), "{name}");
}

#[test]
fn tables_are_filtered_and_sorted_and_lines_copied() {
    let Some(browser) = Browser::start() else { return };
    let pages = Pages::write();
    browser.open(&pages.path("hostile.html"));
    let run = |script: &str| browser.eval(&format!("{FIND} {script}"));
    let rows = run("return shown().length").as_u64().expect("a count");
    assert!(rows >= 5, "{rows} rows");
    assert_eq!(
        run("type('version-gaps'); return shown().map((row) => row.cells[0].textContent)"),
        json!(["version-gaps"])
    );
    assert_eq!(run("return bar.querySelector('[role=status]').textContent"), json!(format!("1 of {rows}")));
    assert_eq!(run("type('no such check'); return shown().length"), 0);
    assert_eq!(run("type(''); return shown().length"), json!(rows));
    let names = "return shown().map((row) => row.cells[0].textContent)";
    let up = run(names);
    let down = run(&format!(
        "const head = table.querySelector('thead button'); head.click(); head.click(); {names}"
    ));
    let mut reversed = up.as_array().expect("names").clone();
    reversed.reverse();
    assert_eq!(down, Value::Array(reversed));
    assert_eq!(run("return table.querySelector('thead th').getAttribute('aria-sort')"), "descending");
    browser.eval("document.querySelector('.copy').click()");
    let told = browser.eval_later(
        "const done = arguments[arguments.length - 1];
         setTimeout(() => done(document.querySelector('.copy').textContent), 300)",
    );
    assert!(told == "copied" || told == "selected", "{told}");
}

/// The table of checks, with its filter.
const FIND: &str = "
  const table = [...document.querySelectorAll('table.rows')].find((each) => each.caption.textContent === 'Checks');
  const bar = table.closest('.scroll').previousElementSibling;
  const shown = () => [...table.tBodies[0].rows].filter((row) => row.offsetParent !== null);
  const type = (text) => {
    const input = bar.querySelector('input');
    input.value = text;
    input.dispatchEvent(new Event('input'));
  };";

#[test]
fn figures_sort_by_size() {
    let Some(browser) = Browser::start() else { return };
    let pages = Pages::write();
    browser.open(&pages.path("hostile.html"));
    let sorted = browser.eval(
        "const table = document.querySelector('table.rows');
         const body = table.tBodies[0];
         const one = body.rows[0];
         const texts = ['9.0 MB', '1,204 B', '87 kB', '-', '1.1 GB'];
         body.replaceChildren(...texts.map((text) => {
           const row = one.cloneNode(true);
           row.cells[0].textContent = text;
           return row;
         }));
         table.querySelector('thead button').click();
         return [...body.rows].map((row) => row.cells[0].textContent).filter((text) => text !== '-');",
    );
    assert_eq!(sorted, json!(["1,204 B", "87 kB", "9.0 MB", "1.1 GB"]));
}

#[test]
fn paper_shows_what_is_folded() {
    let Some(browser) = Browser::start() else { return };
    let pages = Pages::write();
    browser.open(&pages.path("incident.html"));
    let pdf = browser.cdp("Page.printToPDF", &json!({ "printBackground": true, "preferCSSPageSize": true }));
    let pdf = BASE64_STANDARD.decode(pdf["data"].as_str().expect("a document")).expect("base64");
    assert!(pdf.starts_with(b"%PDF"));
    let file = pages.path("incident.pdf");
    fs::write(&file, pdf).expect("a file");
    let Ok(text) = Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output() else {
        say("SKIPPED: no pdftotext here: the printed page was not read (Debian: poppler-utils)");
        return;
    };
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for folded in ["Why it ranks 1", "precedence", "pool_high"] {
        assert!(text.contains(folded), "the printed page lacks {folded:?}");
    }
}

#[test]
fn without_script_all_is_there() {
    let Some(browser) = Browser::start() else { return };
    let pages = Pages::write();
    browser.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.open(&pages.path("incident.html"));
    let root = browser.cdp("DOM.getDocument", &json!({ "depth": 0 }))["root"]["nodeId"].clone();
    let dom = browser.cdp("DOM.getOuterHTML", &json!({ "nodeId": root }));
    let dom = dom["outerHTML"].as_str().expect("the page as it was understood");
    assert!(!dom.contains("class=\"filter\""), "the script did not run");
    let written = fs::read_to_string(pages.path("incident.html")).expect("the page");
    for element in ["<article", "<tr", "<svg", "<details"] {
        assert!(written.contains(element), "{element}");
        assert_eq!(dom.matches(element).count(), written.matches(element).count(), "{element}");
    }
}
