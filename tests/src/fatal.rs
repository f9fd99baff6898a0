//! A fault at a step: a process is killed before its n-th call that leaves a trace, on a disk or with somebody else; or the
//! call fails, with nothing done or with all of it. Going through n = 1, 2, 3 … until there is no such call leaves no moment out
//! at which it could have happened.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::preload;
use crate::program::Program;
use crate::world::path;

/// What happens at the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// `kill -9` before the call.
    Killed,
    /// The call does nothing and says that it failed (EIO).
    Failed,
    /// The call does its work and says that it failed (EIO).
    FailedButDone,
    /// The same as [`Self::Failed`] for the calls that read files, and for no other.
    Unreadable,
}

impl How {
    fn letter(self) -> char {
        match self {
            Self::Killed => 'k',
            Self::Failed => 'f',
            Self::FailedButDone => 'd',
            Self::Unreadable => 'r',
        }
    }
}

/// Counts the calls that write to files and sockets, or change a folder (or those that read files), while the file named by FATAL_STEP is there. What
/// stands in it, a number and a letter, is the call that the fault strikes, and how; then the file gets a neighbour
/// `….struck`. What goes to pipes, terminals and event counters leaves no trace that anybody reads after a death.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
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
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
static char step(int reads) {
    const char *name = getenv("FATAL_STEP");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    char text[32] = {0}, how = 0, struck[4096];
    long at = 0;
    ssize_t got = NEXT(read)(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0 || sscanf(text, "%ld %c", &at, &how) != 2 || (how == 'r') != reads || atomic_fetch_add(&seen, 1) + 1 != at) return 0;
    snprintf(struck, sizeof struck, "%s.struck", name);
    close(open(struck, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    if (how == 'k')
        for (;;) kill(getpid(), SIGKILL);
    return how;
}
static char step_at(int fd, int reads) {
    struct stat s;
    if (fd > 2 && fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || (!reads && S_ISSOCK(s.st_mode)))) return step(reads);
    return 0;
}
#define TURN(fault, call) do { \
    char how = fault; \
    if (how == 0) return call; \
    if (how == 'd' && call < 0) return -1; \
    errno = EIO; \
    return -1; \
} while (0)
ssize_t write(int fd, const void *b, size_t n) { TURN(step_at(fd, 0), NEXT(write)(fd, b, n)); }
ssize_t writev(int fd, const struct iovec *v, int n) { TURN(step_at(fd, 0), NEXT(writev)(fd, v, n)); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { TURN(step_at(fd, 0), NEXT(pwrite)(fd, b, n, o)); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { TURN(step_at(fd, 0), NEXT(pwrite64)(fd, b, n, o)); }
ssize_t send(int fd, const void *b, size_t n, int f) { TURN(step_at(fd, 0), NEXT(send)(fd, b, n, f)); }
ssize_t sendmsg(int fd, const struct msghdr *m, int f) { TURN(step_at(fd, 0), NEXT(sendmsg)(fd, m, f)); }
ssize_t read(int fd, void *b, size_t n) { TURN(step_at(fd, 1), NEXT(read)(fd, b, n)); }
ssize_t pread(int fd, void *b, size_t n, off_t o) { TURN(step_at(fd, 1), NEXT(pread)(fd, b, n, o)); }
ssize_t pread64(int fd, void *b, size_t n, off64_t o) { TURN(step_at(fd, 1), NEXT(pread64)(fd, b, n, o)); }
int fsync(int fd) { TURN(step_at(fd, 0), NEXT(fsync)(fd)); }
int fdatasync(int fd) { TURN(step_at(fd, 0), NEXT(fdatasync)(fd)); }
int ftruncate(int fd, off_t n) { TURN(step_at(fd, 0), NEXT(ftruncate)(fd, n)); }
int ftruncate64(int fd, off64_t n) { TURN(step_at(fd, 0), NEXT(ftruncate64)(fd, n)); }
int rename(const char *a, const char *b) { TURN(step(0), NEXT(rename)(a, b)); }
int unlink(const char *a) { TURN(step(0), NEXT(unlink)(a)); }
"#;

/// A fault that can be set for a step of a program.
#[derive(Debug)]
pub struct Fatal {
    library: PathBuf,
    step: PathBuf,
    how: How,
}

impl Fatal {
    /// One that is not set, with its files in `dir`.
    ///
    /// # Panics
    /// When there is no C compiler, which Rust's own linking needs, too.
    #[must_use]
    pub fn new(dir: &Path, how: How) -> Self {
        Self {
            how,
            library: preload(dir, "fatal", SHIM),
            step: dir.join("fatal.step"),
        }
    }

    /// `program` under this fault.
    #[must_use]
    pub fn under(&self, program: &Program) -> Program {
        program
            .clone()
            .with("LD_PRELOAD", path(&self.library))
            .with("FATAL_STEP", path(&self.step))
    }

    /// From now on the fault strikes a process at its `step`-th call, from 1.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    pub fn set(&self, step: u32) {
        // The programs never see half a number.
        let whole = self.step.with_extension("new");
        let text = format!("{step} {}", self.how.letter());
        fs::write(&whole, text).expect("a temporary folder can be written");
        fs::rename(&whole, &self.step).expect("a temporary folder can be written");
    }

    /// From now on nothing strikes; gives whether it struck since it was set.
    ///
    /// # Panics
    /// When it was not set.
    #[expect(
        clippy::must_use_candidate,
        reason = "a fault may be taken away without asking"
    )]
    pub fn clear(&self) -> bool {
        fs::remove_file(&self.step).expect("it was set");
        let struck = format!("{}.struck", path(&self.step));
        fs::remove_file(struck).is_ok()
    }

    /// Does `work` under the fault at step 1, 2, 3 … until it has no such step, and `check`s after each; gives the number of
    /// faults.
    pub fn at_every_step(&self, mut work: impl FnMut(), mut check: impl FnMut(u32)) -> u32 {
        for step in 1.. {
            self.set(step);
            work();
            let struck = self.clear();
            check(step);
            if !struck {
                return step - 1;
            }
        }
        unreachable!("steps are counted without end")
    }
}
