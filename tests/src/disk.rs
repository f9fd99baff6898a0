//! Disks that are full, read-only or failing.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::path;

/// A small disk of its own, gone when dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of `size` (`24m`) at `at`.
    ///
    /// # Panics
    /// When this is not root, who alone may mount.
    #[must_use]
    pub fn mount(at: &Path, size: &str) -> Self {
        let own = fs::metadata("/proc/self").expect("Linux tells of processes");
        let root = std::os::unix::fs::MetadataExt::uid(&own) == 0;
        assert!(
            root,
            "this test mounts a small disk, so it needs root: run tests/run as root"
        );
        fs::create_dir_all(at).expect("a temporary folder can be written");
        mount(&[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size}"),
            "tmpfs",
            path(at),
        ]);
        Self(at.to_owned())
    }

    /// Fills what is left of it until the ballast is dropped.
    ///
    /// # Panics
    /// When nothing can be written at all.
    #[must_use]
    pub fn fill(&self) -> Ballast {
        let ballast = self.0.join("ballast");
        let mut file = fs::File::create(&ballast).expect("a small disk can be written");
        while file.write_all(&[0; 4096]).is_ok() {}
        Ballast(ballast)
    }

    /// Lets nothing more be written, or everything again.
    pub fn read_only(&self, read_only: bool) {
        let how = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        mount(&["-o", how, path(&self.0)]);
    }
}

fn mount(arguments: &[&str]) {
    let mounted = Command::new("mount").args(arguments).status();
    assert!(
        mounted.expect("mount is installed").success(),
        "mount {arguments:?}"
    );
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// What fills a disk; gone when dropped.
#[derive(Debug)]
pub struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("the ballast can be thrown off");
    }
}

/// Builds a library for `LD_PRELOAD` from C, with its files in `dir`.
///
/// # Panics
/// When there is no C compiler, which Rust's own linking needs, too.
#[must_use]
pub fn preload(dir: &Path, name: &str, source: &str) -> PathBuf {
    let (file, library) = (
        dir.join(name).with_extension("c"),
        dir.join(name).with_extension("so"),
    );
    fs::write(&file, source).expect("a temporary folder can be written");
    let built = Command::new("cc")
        .args([
            "-shared",
            "-fPIC",
            "-o",
            path(&library),
            path(&file),
            "-ldl",
        ])
        .status();
    assert!(built.expect("a C compiler is installed").success());
    library
}

/// A disk that confirms no write while it is told so: the programs get the system's calls from a library of ours.
#[derive(Debug)]
pub struct Unconfirming {
    /// For `LD_PRELOAD`.
    pub library: PathBuf,
    flag: PathBuf,
}

/// fsync(2) and fdatasync(2) that fail with EIO while the file named by FAILING_SYNC is there.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int failing(void) {
    const char *flag = getenv("FAILING_SYNC");
    if (flag && access(flag, F_OK) == 0) { errno = EIO; return 1; }
    errno = 0;
    return 0;
}
int fsync(int fd) { return failing() ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { return failing() ? -1 : ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"#;

impl Unconfirming {
    /// One that still works.
    ///
    /// # Panics
    /// When there is no C compiler, which Rust's own linking needs, too.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            library: preload(dir, "sync", SHIM),
            flag: dir.join("failing"),
        }
    }

    /// `program` on this disk.
    #[must_use]
    pub fn under(&self, program: &crate::program::Program) -> crate::program::Program {
        program
            .clone()
            .with("LD_PRELOAD", path(&self.library))
            .with("FAILING_SYNC", path(&self.flag))
    }

    /// From now on it fails, or works.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn fail(&self, fail: bool) {
        if fail {
            fs::write(&self.flag, "").expect("a temporary folder can be written");
        } else {
            fs::remove_file(&self.flag).expect("it failed before");
        }
    }
}
