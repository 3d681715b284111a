//! A language client, as small as the checks need it.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// For everything from the start of the server to its last answer; most of it is the build of what the fixture uses.
const DEADLINE: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(200);
/// The answer may be outdated because the server has learnt something: ask again.
const CONTENT_MODIFIED: i64 = -32801;

/// A line and a column, from zero, in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    fn read(value: &Value) -> Option<Self> {
        let number = |name: &str| usize::try_from(value[name].as_u64()?).ok();
        Some(Self { line: number("line")?, column: number("character")? })
    }

    fn json(self) -> Value {
        json!({ "line": self.line, "character": self.column })
    }
}

/// One entry of a completion list.
#[derive(Debug)]
pub struct Item {
    pub label: String,
    pub deprecated: bool,
}

/// Where a definition stands.
#[derive(Debug)]
pub struct Place {
    pub file: String,
    pub start: Position,
}

/// A running rust-analyzer that has one workspace open.
pub struct Client {
    server: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    started: Instant,
    last_id: u64,
    versions: Vec<(PathBuf, u64)>,
    log: PathBuf,
    /// What the server last said of itself.
    status: Value,
}

impl Drop for Client {
    fn drop(&mut self) {
        // Nothing of it is kept, so it need not be asked to leave.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Client {
    /// Starts the server on a workspace; what it builds and what it says goes into `scratch`.
    pub fn start(program: &Path, workspace: &Path, scratch: &Path) -> Result<Self, String> {
        let log = scratch.join("rust-analyzer.log");
        let errors = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut server = Command::new(program)
            .current_dir(workspace)
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let (Some(input), Some(output)) = (server.stdin.take(), server.stdout.take()) else {
            return Err("the server has no pipes".to_owned());
        };
        let (sender, messages) = channel();
        std::thread::spawn(move || read_messages(output, &sender));
        let mut client = Self {
            server,
            input,
            messages,
            started: Instant::now(),
            last_id: 0,
            versions: Vec::new(),
            log,
            status: Value::Null,
        };
        client.request("initialize", &initialize(workspace, scratch))?;
        client.notify("initialized", &json!({}))?;
        Ok(client)
    }

    /// Waits until the macro before `position` is expanded, so until the workspace is loaded and its macros are built.
    pub fn wait_for_expansion(&mut self, file: &Path, position: Position) -> Result<(), String> {
        loop {
            while self.status["quiescent"] != json!(true) {
                self.receive()?;
            }
            let expanded = self.request("rust-analyzer/expandMacro", &at(file, position))?;
            if expanded["expansion"].as_str().is_some_and(|text| text.contains("__otelier")) {
                return Ok(());
            }
            // It also rests between its phases, and does not say when it will go on.
            std::thread::sleep(POLL);
        }
    }

    /// Shows the server a text in place of what the file holds.
    pub fn show(&mut self, file: &Path, text: &str) -> Result<(), String> {
        let uri = uri(file);
        if let Some((_, version)) = self.versions.iter_mut().find(|(known, _)| known == file) {
            *version += 1;
            let document = json!({ "uri": uri, "version": version });
            let change = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
            return self.notify("textDocument/didChange", &change);
        }
        self.versions.push((file.to_owned(), 1));
        let document = json!({ "uri": uri, "languageId": "rust", "version": 1, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }))
    }

    pub fn completion(&mut self, file: &Path, position: Position) -> Result<Vec<Item>, String> {
        let answer = self.request("textDocument/completion", &at(file, position))?;
        let items = answer["items"].as_array().or(answer.as_array()).cloned().unwrap_or_default();
        let item = |item: &Value| {
            let tagged = item["tags"].as_array().is_some_and(|tags| tags.contains(&json!(1)));
            Some(Item { label: item["label"].as_str()?.to_owned(), deprecated: tagged || item["deprecated"] == true })
        };
        Ok(items.iter().filter_map(item).collect())
    }

    pub fn hover(&mut self, file: &Path, position: Position) -> Result<String, String> {
        let answer = self.request("textDocument/hover", &at(file, position))?;
        Ok(answer["contents"]["value"].as_str().unwrap_or_default().to_owned())
    }

    pub fn definition(&mut self, file: &Path, position: Position) -> Result<Vec<Place>, String> {
        let answer = self.request("textDocument/definition", &at(file, position))?;
        let place = |link: &Value| {
            let start = Position::read(&link["targetSelectionRange"]["start"])?;
            Some(Place { file: link["targetUri"].as_str()?.to_owned(), start })
        };
        Ok(answer.as_array().into_iter().flatten().filter_map(place).collect())
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        loop {
            self.last_id += 1;
            let id = self.last_id;
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
            let answer = loop {
                let message = self.receive()?;
                if message["id"] == json!(id) && message.get("method").is_none() {
                    break message;
                }
            };
            match answer.get("error") {
                None => return Ok(answer["result"].clone()),
                Some(error) if error["code"] == json!(CONTENT_MODIFIED) => {}
                Some(error) => return Err(format!("{method}: {error}")),
            }
        }
    }

    fn notify(&mut self, method: &str, params: &Value) -> Result<(), String> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len())
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("the server takes no more messages: {error}; see {}", self.log.display()))
    }

    /// The next message, after doing what it asks of the client.
    fn receive(&mut self) -> Result<Value, String> {
        let left = DEADLINE.saturating_sub(self.started.elapsed());
        let message = self.messages.recv_timeout(left).map_err(|error| {
            let (status, log) = (&self.status, self.log.display());
            format!("no answer within {} s ({error}); its last status: {status}; see {log}", DEADLINE.as_secs())
        })?;
        match (message["method"].as_str(), message.get("id")) {
            (Some("workspace/configuration"), Some(id)) => {
                // Everything was said at the start.
                let count = message["params"]["items"].as_array().map_or(0, Vec::len);
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": vec![Value::Null; count] }))?;
            }
            (Some(_), Some(id)) => self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }))?,
            (Some("experimental/serverStatus"), None) => self.status = message["params"].clone(),
            _ => {}
        }
        Ok(message)
    }
}

fn initialize(workspace: &Path, scratch: &Path) -> Value {
    json!({
        "processId": std::process::id(),
        "rootUri": uri(workspace),
        "workspaceFolders": [{ "uri": uri(workspace), "name": "editor" }],
        "capabilities": {
            "general": { "positionEncodings": ["utf-8"] },
            "workspace": { "configuration": true },
            "textDocument": {
                "completion": { "completionItem": { "deprecatedSupport": true, "tagSupport": { "valueSet": [1] } } },
                "definition": { "linkSupport": true },
                "hover": { "contentFormat": ["markdown"] },
            },
            "experimental": { "serverStatusNotification": true },
        },
        "initializationOptions": {
            "cachePriming": { "enable": false },
            "cargo": { "allTargets": false, "targetDir": scratch.join("target") },
            "checkOnSave": false,
            "completion": { "autoimport": { "enable": false } },
            "procMacro": { "enable": true },
        },
    })
}

/// The URI of an absolute path, with the escapes that the server writes too.
pub fn uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            byte if byte.is_ascii_graphic() && !b"\"#%<>?`{}".contains(byte) => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn at(file: &Path, position: Position) -> Value {
    json!({ "textDocument": { "uri": uri(file) }, "position": position.json() })
}

/// Hands on what the server says until it says nothing more.
fn read_messages(output: ChildStdout, messages: &Sender<Value>) {
    let mut output = BufReader::new(output);
    while let Ok(Some(message)) = read_message(&mut output) {
        if messages.send(message).is_err() {
            return;
        }
    }
}

fn read_message(output: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().map_err(io::Error::other)?,
            Some(_) => {}
            None => break,
        }
    }
    let mut text = vec![0; length];
    output.read_exact(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}
