//! Compiles the style sheet and gathers the script that the crate embeds.
//!
//! Writes to `OUT_DIR` only. With `LDSP_ASSETS=dir` the files `site.css` and `govuk-frontend.min.js` are taken from that
//! directory and neither npm nor a network is needed; else `npm ci` installs what `assets/package-lock.json` pins, once for
//! each state of that file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const EMBEDDED: [&str; 2] = ["site.css", "govuk-frontend.min.js"];

fn main() {
    for input in ["build.rs", "assets"] {
        println!("cargo::rerun-if-changed={input}");
    }
    println!("cargo::rerun-if-env-changed=LDSP_ASSETS");
    let done = match env::var_os("LDSP_ASSETS") {
        Some(dir) => take_prebuilt(Path::new(&dir), &out_dir()),
        None => compile(&source_dir(), &out_dir()),
    };
    if let Err(reason) = done {
        println!("cargo::error={reason}");
    }
}

fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"))
}

fn source_dir() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"))
        .join("assets")
}

fn take_prebuilt(from: &Path, out: &Path) -> Result<(), String> {
    for name in EMBEDDED {
        println!("cargo::rerun-if-changed={}", from.join(name).display());
        copy(&from.join(name), &out.join(name)).map_err(|e| {
            format!(
                "{e}. LDSP_ASSETS must name a directory with {}.",
                EMBEDDED.join(" and ")
            )
        })?;
    }
    Ok(())
}

fn compile(assets: &Path, out: &Path) -> Result<(), String> {
    let npm = out.join("npm");
    install(assets, &npm)?;
    let modules = npm.join("node_modules");
    let dist = modules.join("govuk-frontend/dist/govuk");
    let mut sass = Command::new("node");
    sass.arg(modules.join("sass/sass.js"))
        .args([
            "--style=compressed",
            "--no-source-map",
            "--no-charset",
            "--quiet-deps",
        ])
        .arg(format!("--load-path={}", dist.display()))
        .arg(assets.join("scss/site.scss"))
        .arg(out.join("site.css"));
    run(&mut sass, "compile the style sheet")?;
    copy(
        &dist.join("govuk-frontend.min.js"),
        &out.join("govuk-frontend.min.js"),
    )
}

/// Installs the pinned packages unless the last installation had the same lock file and ended well.
fn install(assets: &Path, npm: &Path) -> Result<(), String> {
    let lock = fs::read(assets.join("package-lock.json"))
        .map_err(|e| format!("cannot read assets/package-lock.json: {e}"))?;
    let installed = npm.join("installed.json");
    if fs::read(&installed).is_ok_and(|seen| seen == lock) {
        return Ok(());
    }
    fs::create_dir_all(npm).map_err(|e| format!("cannot create {}: {e}", npm.display()))?;
    for name in ["package.json", "package-lock.json"] {
        copy(&assets.join(name), &npm.join(name))?;
    }
    let mut ci = Command::new("npm");
    ci.args([
        "ci",
        "--ignore-scripts",
        "--omit=optional",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ])
    .current_dir(npm);
    run(&mut ci, "install the style sheet's sources")?;
    copy(&npm.join("package-lock.json"), &installed)
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(failed) => {
            let said = String::from_utf8_lossy(&failed.stderr)
                .trim()
                .replace('\n', " | ");
            Err(format!(
                "cannot {what}: {program} ended with {}: {said}. Check that npm reaches its registry, or set LDSP_ASSETS to a \
                 directory with {}.",
                failed.status,
                EMBEDDED.join(" and ")
            ))
        }
        Err(e) => Err(format!(
            "cannot {what}: {program} does not start ({e}). Install Node.js 20 or newer with npm (Debian: apt install npm), or set \
             LDSP_ASSETS to a directory with {}.",
            EMBEDDED.join(" and ")
        )),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to)
        .map(drop)
        .map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
}
