//! A browser, driven through chromedriver: just what the tests need of WebDriver.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// Longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const LEFT: &str = "\u{e012}";
pub(crate) const UP: &str = "\u{e013}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const DOWN: &str = "\u{e015}";
/// By which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Starts a browser that is as wide as a desktop, and shows that page.
    pub(crate) fn open(address: &str) -> Self {
        let found = env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut driver = Command::new(&found)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{found} does not start ({error}): ci/inspector.sh installs it")
            });
        let port = port_of(&mut driver);
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "nexus-inspector-{}-{}",
            process::id(),
            NUMBER.fetch_add(1, Relaxed)
        );
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            profile: env::temp_dir().join(name),
        };
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-sync",
            "--no-first-run",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", browser.profile.display()));
        let mut options = json!({"args": arguments});
        if let Ok(chromium) = env::var("CHROMIUM") {
            options["binary"] = json!(chromium);
        }
        let wanted = json!({
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        });
        let session = browser.call(
            "POST",
            "/session",
            &json!({"capabilities": {"alwaysMatch": wanted}}),
        );
        let session = session.unwrap_or_else(|error| panic!("no browser: {error}"));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser.look(1280, "light");
        browser.go(address);
        browser
    }

    pub(crate) fn go(&self, address: &str) {
        self.post("/url", &json!({"url": address}))
            .expect("the page loads");
    }

    /// Changes the width of the page, and the colour scheme that the user prefers.
    pub(crate) fn look(&self, width: u32, scheme: &str) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let called = self.post(
            "/goog/cdp/execute",
            &json!({"cmd": command, "params": parameters}),
        );
        called.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Returns the value of a JavaScript expression.
    pub(crate) fn value(&self, expression: &str) -> Value {
        let script = json!({"script": format!("return ({expression});"), "args": []});
        let value = self.post("/execute/sync", &script);
        value.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    pub(crate) fn text(&self, expression: &str) -> String {
        match self.value(expression) {
            Value::String(text) => text,
            other => panic!("{expression} is no text: {other}"),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub(crate) fn until(&self, expression: &str) {
        let begun = Instant::now();
        let guarded = format!(
            "(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"
        );
        while self.value(&guarded) != json!(true) {
            if begun.elapsed() > PATIENCE {
                panic!(
                    "in vain: {expression}\nthe page is:\n{}",
                    self.text("document.body.innerText")
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks on an element as a user does, once it is there and nothing covers it.
    pub(crate) fn click(&self, css: &str) {
        let begun = Instant::now();
        while let Err(error) = self
            .find(css)
            .and_then(|element| self.post(&format!("/element/{element}/click"), &json!({})))
        {
            assert!(
                begun.elapsed() < PATIENCE,
                "{css} cannot be clicked: {error}"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn find(&self, css: &str) -> Result<String, String> {
        let found = self.post("/element", &json!({"using": "css selector", "value": css}))?;
        Ok(found[ELEMENT].as_str().expect("an element").to_owned())
    }

    /// Types into what has the focus.
    pub(crate) fn keys(&self, text: &str) {
        let mut actions = Vec::new();
        for key in text.chars() {
            for kind in ["keyDown", "keyUp"] {
                actions.push(json!({"type": kind, "value": key.to_string()}));
            }
        }
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.post("/actions", &actions).expect("keys are typed");
    }

    /// Checks that the browser had nothing to complain of: no error of a script, and nothing that the policy
    /// of the page forbids.
    pub(crate) fn has_no_complaints(&self) {
        let log = self
            .post("/se/log", &json!({"type": "browser"}))
            .expect("a log");
        let severe = log
            .as_array()
            .expect("a list")
            .iter()
            .filter(|entry| entry["level"] == "SEVERE");
        let severe: Vec<_> = severe.map(|entry| &entry["message"]).collect();
        assert!(severe.is_empty(), "{severe:#?}");
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut answer =
            request(self.port, method, path, body).map_err(|error| error.to_string())?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].take()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// Returns the port that chromedriver has chosen, which it says. What it says later is read and dropped.
fn port_of(driver: &mut Child) -> u16 {
    let mut said = BufReader::new(driver.stdout.take().expect("a pipe"));
    let mut line = String::new();
    let port = loop {
        line.clear();
        assert_ne!(
            said.read_line(&mut line).expect("a line"),
            0,
            "chromedriver has ended"
        );
        let port = line.split("successfully on port ").nth(1);
        if let Some(Ok(port)) = port.map(|rest| rest.trim().trim_end_matches('.').parse()) {
            break port;
        }
    };
    thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    port
}

fn request(port: u16, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = if method == "POST" {
        body.to_string()
    } else {
        String::new()
    };
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}
