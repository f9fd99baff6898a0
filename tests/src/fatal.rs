//! Death at a step: a process is killed before its n-th call that leaves a trace, on a disk or with somebody else.
//! Going through n = 1, 2, 3 … until the work is done leaves no moment out at which it could have died.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::preload;
use crate::program::Program;
use crate::world::path;

/// Counts the calls that write to files and sockets, or change a folder, while the file named by FATAL_STEP is there,
/// and kills the process before the one whose number stands in it. What goes to pipes, terminals and event
/// counters leaves no trace that anybody reads after a death.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
static atomic_long seen;
static void step(void) {
    const char *name = getenv("FATAL_STEP");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    char text[32] = {0};
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got > 0 && atomic_fetch_add(&seen, 1) + 1 == atol(text))
        for (;;) kill(getpid(), SIGKILL);
}
static void step_at(int fd) {
    struct stat s;
    if (fd > 2 && fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISSOCK(s.st_mode))) step();
}
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t write(int fd, const void *b, size_t n) { step_at(fd); return NEXT(write)(fd, b, n); }
ssize_t writev(int fd, const struct iovec *v, int n) { step_at(fd); return NEXT(writev)(fd, v, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { step_at(fd); return NEXT(pwrite)(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { step_at(fd); return NEXT(pwrite64)(fd, b, n, o); }
ssize_t send(int fd, const void *b, size_t n, int f) { step_at(fd); return NEXT(send)(fd, b, n, f); }
ssize_t sendmsg(int fd, const struct msghdr *m, int f) { step_at(fd); return NEXT(sendmsg)(fd, m, f); }
int fsync(int fd) { step_at(fd); return NEXT(fsync)(fd); }
int fdatasync(int fd) { step_at(fd); return NEXT(fdatasync)(fd); }
int ftruncate(int fd, off_t n) { step_at(fd); return NEXT(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { step_at(fd); return NEXT(ftruncate64)(fd, n); }
int rename(const char *a, const char *b) { step(); return NEXT(rename)(a, b); }
int unlink(const char *a) { step(); return NEXT(unlink)(a); }
"#;

/// A death that can be set for a step of a program.
#[derive(Debug)]
pub struct Fatal {
    library: PathBuf,
    step: PathBuf,
}

impl Fatal {
    /// One that is not set, with its files in `dir`.
    ///
    /// # Panics
    /// When there is no C compiler, which Rust's own linking needs, too.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            library: preload(dir, "fatal", SHIM),
            step: dir.join("fatal.step"),
        }
    }

    /// `program` under this death.
    #[must_use]
    pub fn under(&self, program: &Program) -> Program {
        program
            .clone()
            .with("LD_PRELOAD", path(&self.library))
            .with("FATAL_STEP", path(&self.step))
    }

    /// From now on a process dies before its `step`-th call, from 1.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn set(&self, step: u32) {
        // The programs never see half a number.
        let whole = self.step.with_extension("new");
        fs::write(&whole, step.to_string()).expect("a temporary folder can be written");
        fs::rename(&whole, &self.step).expect("a temporary folder can be written");
    }

    /// From now on no process dies.
    ///
    /// # Panics
    /// When it was not set.
    pub fn clear(&self) {
        fs::remove_file(&self.step).expect("it was set");
    }

    /// Does `work` under death at step 1, 2, 3 … until a time at which it is done (true), and `check`s after each; gives the
    /// number of deaths.
    pub fn at_every_step(&self, mut work: impl FnMut() -> bool, mut check: impl FnMut(u32)) -> u32 {
        for step in 1.. {
            self.set(step);
            let done = work();
            self.clear();
            check(step);
            if done {
                return step - 1;
            }
        }
        unreachable!("steps are counted without end")
    }
}
