//! Embeds `migrations/` and `sql/`, so that the binary brings the database it needs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=sql");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let mut code = String::new();
    for (name, folder) in [("MIGRATIONS", "migrations"), ("SQL_FILES", "sql")] {
        let mut files = Vec::new();
        collect(&root.join(folder), &mut files)?;
        files.sort();
        writeln!(code, "pub(super) const {name}: &[(&str, &str)] = &[").map_err(io::Error::other)?;
        for file in files {
            let shown = file.strip_prefix(root.join(folder)).map_err(io::Error::other)?;
            writeln!(code, "    ({shown:?}, include_str!({file:?})),").map_err(io::Error::other)?;
        }
        writeln!(code, "];").map_err(io::Error::other)?;
    }
    fs::write(out.join("embedded.rs"), code)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "sql") {
            files.push(path);
        }
    }
    Ok(())
}
