//! The lake: tables as Parquet files in an object store.

mod error;
mod table;

use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;
use object_store::{ObjectStoreExt, PutPayload, path::Path as Key};

pub use error::LakeError;
pub use table::{Column, Table};

/// A directory that is used as an object store.
#[derive(Debug)]
pub struct Lake {
    root: PathBuf,
    name: String,
    store: LocalFileSystem,
}

impl Lake {
    /// Opens the directory, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// [`LakeError::Directory`] if it cannot be created or used.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let failed = |reason: String| LakeError::Directory { path: root.to_owned(), reason };
        std::fs::create_dir_all(root).map_err(|error| failed(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(root).map_err(|error| failed(error.to_string()))?;
        let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { root: root.to_owned(), name, store })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The last part of the directory's path. Spans name the lake by it, because whole paths tell about the machine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes one file below the directory, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`LakeError::Write`] with the key and what the system says.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), LakeError> {
        let written = self.store.put(&Key::from(key), PutPayload::from(bytes)).await;
        written.map(drop).map_err(|error| LakeError::Write { key: key.to_owned(), reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_that_is_a_file_is_refused_with_its_name() {
        let file = std::env::temp_dir().join(format!("lakehouse-test-{}", std::process::id()));
        std::fs::write(&file, b"x").expect("the temporary directory is writable");
        let error = Lake::open(&file).expect_err("a file is no directory");
        std::fs::remove_file(&file).expect("the file is still there");
        assert!(error.to_string().contains("lakehouse-test-"), "{error}");
    }
}
