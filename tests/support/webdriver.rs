//! A browser to look at pages with: chromedriver on a port of its own, spoken to as W3C `WebDriver` (<https://www.w3.org/TR/webdriver2>).
//!
//! Only what these tests ask for. A client of the whole protocol would bring a runtime for asynchronous work, for a
//! dozen requests that follow one another.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::say;

/// A request that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(120);

/// A headless browser with a profile of its own, gone when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// `None` where the machine has no browser or no driver: says loudly that nothing was looked at.
    pub(crate) fn start() -> Option<Browser> {
        let Some(mut driver) = driver() else {
            say("SKIPPED: no chromedriver here: no page was opened in a browser (Debian: chromium-driver)");
            return None;
        };
        let port = port(&mut driver);
        let mut browser = Browser { driver, port, session: String::new() };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ];
        let asked = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "perfLoggingPrefs": { "enableNetwork": true } },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let made = browser.ask("POST", "/session", &asked);
        browser.session = made["sessionId"].as_str().expect("a session: is chromium installed?").to_owned();
        Some(browser)
    }

    pub(crate) fn open(&self, page: &Path) {
        let path = page.canonicalize().expect("the page is there");
        self.post("url", &json!({ "url": format!("file://{}", path.display()) }));
    }

    /// What a script returns.
    pub(crate) fn eval(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// What a script hands to its last argument, some time later.
    pub(crate) fn eval_later(&self, script: &str) -> Value {
        self.post("execute/async", &json!({ "script": script, "args": [] }))
    }

    /// A command of the `DevTools` protocol.
    pub(crate) fn cdp(&self, command: &str, params: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// Pixels as CSS counts them.
    pub(crate) fn resize(&self, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &size);
    }

    /// `light` or `dark`.
    pub(crate) fn prefers(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.cdp("Emulation.setEmulatedMedia", &json!({ "media": "", "features": [feature] }));
    }

    /// What the console says, broken policies too.
    pub(crate) fn console(&self) -> Vec<String> {
        self.log("browser").iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Addresses that the page asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let parsed = |entry: Value| serde_json::from_str::<Value>(entry["message"].as_str()?).ok();
        let sent = self.log("performance").into_iter().filter_map(parsed).filter_map(|entry| {
            let message = &entry["message"];
            (message["method"] == "Network.requestWillBeSent")
                .then(|| message["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
        });
        sent.collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.post("se/log", &json!({ "type": kind })).as_array().cloned().unwrap_or_default()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let body = body.to_string();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .expect("the driver reads");
        let answer: Value = serde_json::from_slice(&body_of(stream)).expect("JSON");
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{method} {path}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The body of an answer, as long as its head says: the driver keeps the connection open.
fn body_of(stream: TcpStream) -> Vec<u8> {
    let mut answer = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("the driver answers");
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            Some(_) => {}
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("all of it");
    body
}

fn driver() -> Option<Child> {
    Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

/// The port that the driver says it took.
fn port(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().expect("was asked for")).lines();
    let told = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    told.expect("the driver says its port")
}
