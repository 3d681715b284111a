//! The workspace that the editor has open, and the places in it that are asked about.

use crate::client::Position;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A text that the editor shows, and the places marked in it.
pub struct Document {
    pub file: PathBuf,
    pub text: String,
    pub places: Vec<(String, Position)>,
}

impl Document {
    /// Takes the marks out of `text`: `/*a-name*/`, without spaces, unlike a comment.
    fn read(file: &Path, text: &str) -> Self {
        let mut document = Self { file: file.to_owned(), text: String::new(), places: Vec::new() };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("/*") {
            document.text.push_str(before);
            match after.split_once("*/") {
                Some((name, behind)) if !name.contains(' ') => {
                    document.places.push((name.to_owned(), end(&document.text)));
                    rest = behind;
                }
                _ => {
                    document.text.push_str("/*");
                    rest = after;
                }
            }
        }
        document.text.push_str(rest);
        document
    }
}

/// The position behind a text.
pub fn end(text: &str) -> Position {
    let line_start = text.rfind('\n').map_or(0, |at| at + 1);
    Position { line: text.matches('\n').count(), column: text.len() - line_start }
}

/// Finished code, and every state of the unfinished file, in the order in which the editor shows them.
pub fn documents(workspace: &Path) -> io::Result<Vec<Document>> {
    let app = workspace.join("app/src");
    let (finished, unfinished) = (app.join("lib.rs"), app.join("unfinished.rs"));
    let mut documents = vec![Document::read(&finished, &fs::read_to_string(source("app/src/lib.rs"))?)];
    let states = fs::read_to_string(source("app/src/unfinished.rs"))?;
    for state in states.split("//- ").skip(1) {
        let (_, text) = state.split_once('\n').unwrap_or_default();
        documents.push(Document::read(&unfinished, text.trim_end()));
    }
    Ok(documents)
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/editor").join(file)
}

/// Writes the workspace of the two crates; the documents are what the editor shows of it.
pub fn write(workspace: &Path, repository: &Path) -> io::Result<()> {
    let otelier = format!("otelier = {{ path = {:?}, default-features = false }}\n", repository.join("runtime"));
    let package = |name: &str, dependencies: &str| {
        let head = format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        format!("{head}\n[dependencies]\n{otelier}{dependencies}")
    };
    put(&workspace.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"schemas\"]\n")?;
    put(&workspace.join("app/Cargo.toml"), &package("app", "schemas = { path = \"../schemas\" }\n"))?;
    put(&workspace.join("schemas/Cargo.toml"), &package("schemas", ""))?;
    // The versions that are there already, so that nothing has to be fetched; cargo drops what is not used.
    put(&workspace.join("Cargo.lock"), &fs::read_to_string(repository.join("Cargo.lock"))?)?;
    put(&workspace.join("schemas/src/lib.rs"), &fs::read_to_string(source("schemas/src/lib.rs"))?)?;
    put(&workspace.join("app/src/unfinished.rs"), "")?;
    let documents = documents(workspace)?;
    documents.first().map_or(Ok(()), |finished| put(&finished.file, &finished.text))
}

/// Writes a file unless it has the text, so that cargo does not build anew what has not changed.
fn put(file: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(file, text)
}
