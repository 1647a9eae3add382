//! Writing the shell text.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::command::{Command, Program, Script, Stdin, Sudo};
use crate::host::Host;
use crate::quote::{is_variable_name, word, words};

use super::filter::{Filter, Mark};

/// Longer scripts do not fit into a command: Linux takes 128 KiB in one argument (`MAX_ARG_STRLEN`), and quoting makes
/// the text grow.
const LONGEST_INLINE_SCRIPT: usize = 64 * 1024;
/// `MAX_ARG_STRLEN` less some room for what the server puts around it.
const LONGEST_TEXT: usize = 127 * 1024;

/// What is sent to the host, and the filter for what comes back.
#[derive(Debug)]
pub(crate) struct Wrapped {
    /// The text for the login shell.
    pub(crate) text: String,
    /// What the command reads: the user's own input, or a script too long for the text.
    pub(crate) stdin: Stdin,
    /// Takes header, trailer and prompts out again.
    pub(crate) filter: Filter,
}

/// The text that ends a process group on the host.
#[derive(Debug)]
pub(crate) struct Kill;

// === impl Wrapped ===

impl Wrapped {
    /// The text for `command`.
    ///
    /// # Errors
    /// What is wrong with it, as a lower-case fragment: a NUL byte, a bad variable name, a script that is too long.
    pub(crate) fn new(command: &Command) -> Result<Self, String> {
        Self::with_mark(command, Mark::random())
    }

    /// The text for `command` on a host whose inventory may say that its login shell is of another family
    /// (`shell=raw`).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn for_host(command: &Command, host: &Host) -> Result<Self, String> {
        match host.var("shell") {
            Some("raw") if !command.raw() => Self::new(&command.clone().with_raw(true)),
            _ => Self::new(command),
        }
    }

    fn with_mark(command: &Command, mark: Mark) -> Result<Self, String> {
        let (inner, stdin) = inner(command)?;
        let text = if command.raw() {
            raw(command, inner)?
        } else {
            match command.sudo() {
                None => around(&mark, &inner),
                Some(sudo) => around(&mark, &under_sudo(sudo, &mark, &inner)),
            }
        };
        if text.contains('\0') {
            return Err("a NUL byte cannot be part of a command".to_owned());
        }
        if text.len() > LONGEST_TEXT {
            return Err(format!(
                "the command is {} KiB long, a host takes {} at most: send it as a file or on its standard input",
                text.len() / 1024,
                LONGEST_TEXT / 1024
            ));
        }
        let filter = if command.raw() { Filter::pass_all() } else { Filter::new(mark, command.sudo().is_some()) };
        Ok(Self { text, stdin, filter })
    }
}

/// Header, the command in a subshell so that its `exit` ends only itself, trailer.
fn around(mark: &Mark, inner: &str) -> String {
    let (header, trailer) = (mark.header(), mark.trailer());
    // The newline before `)` keeps a comment or a here-document at the end of the user's text from swallowing it.
    format!("printf '%s %s\\n' {header} \"$$\";(\n{inner}\n)&&printf %s {trailer}")
}

fn raw(command: &Command, inner: String) -> Result<String, String> {
    if command.sudo().is_some() {
        return Err("sudo needs a POSIX shell on the host, and this command is sent raw".to_owned());
    }
    Ok(inner)
}

/// Folder, environment and program; and what remains for standard input.
fn inner(command: &Command) -> Result<(String, Stdin), String> {
    let mut text = String::new();
    if let Some(folder) = command.cwd() {
        // `./` keeps a leading `-` from being an option; `~` is meant as the login folder.
        let _ = match folder.strip_prefix("~/") {
            Some(rest) => writeln!(text, "cd ~/{} || exit 1", word(rest)),
            None if folder == "~" => writeln!(text, "cd || exit 1"),
            None if folder.starts_with('-') => writeln!(text, "cd {} || exit 1", word(&format!("./{folder}"))),
            None => writeln!(text, "cd {} || exit 1", word(folder)),
        };
    }
    for (name, value) in command.env() {
        if !is_variable_name(name) {
            return Err(format!("`{name}` is no name of an environment variable: letters, digits and `_`"));
        }
        let _ = writeln!(text, "export {name}={}", word(value.expose()));
    }
    let mut stdin = command.stdin().clone();
    match command.program() {
        Program::Shell(line) => text.push_str(line),
        Program::Argv(list) if list.is_empty() => return Err("there is no program in an empty list".to_owned()),
        Program::Argv(list) => text.push_str(&words(list)),
        Program::Script(script) => text.push_str(&script_text(script, &mut stdin)?),
    }
    Ok((text, stdin))
}

/// The script in a private file of its own, removed whatever happens; `/tmp` may forbid to execute, so its interpreter
/// is called by name.
fn script_text(script: &Script, stdin: &mut Stdin) -> Result<String, String> {
    let call = format!("{} \"$sre_t\" {}", interpreter(&script.body), words(&script.args));
    let body = if script.body.len() <= LONGEST_INLINE_SCRIPT {
        let body = std::str::from_utf8(&script.body).ok().filter(|body| !body.contains('\0'));
        body.map(|body| format!("printf %s {} >\"$sre_t\"", quoted(body)))
    } else {
        None
    };
    let fill = match (body, &*stdin) {
        (Some(fill), _) => fill,
        (None, Stdin::Empty) => {
            *stdin = Stdin::Bytes(script.body.clone());
            "cat >\"$sre_t\"".to_owned()
        }
        (None, _) => {
            return Err(format!(
                "a script of more than {} KiB or with bytes that are no text is sent on standard input, which is taken",
                LONGEST_INLINE_SCRIPT / 1024
            ));
        }
    };
    Ok(format!(
        "umask 077;sre_t=$(mktemp \"${{TMPDIR:-/tmp}}/sre.XXXXXXXX\")||exit 126\n\
         trap 'rm -f \"$sre_t\"' 0;trap 'exit 129' 1;trap 'exit 130' 2;trap 'exit 143' 15\n\
         {fill}||exit 126\n{call}"
    ))
}

fn quoted(body: &str) -> String {
    format!("'{}'", body.replace('\'', r"'\''"))
}

/// What the first line asks for, as the kernel reads it: a path and at most one argument.
fn interpreter(body: &Bytes) -> String {
    let line = body.strip_prefix(b"#!").and_then(|rest| rest.split(|b| *b == b'\n').next());
    let line = line.and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default().trim();
    match line.split_once(char::is_whitespace) {
        None if line.is_empty() => "/bin/sh".to_owned(),
        None => word(line).into_owned(),
        Some((path, arg)) => format!("{} {}", word(path), word(arg.trim())),
    }
}

/// The inner text under `sudo`. The prompt is a mark of ours, so that the password is sent only when it is asked for,
/// and a second header says that the command itself has standard input now.
fn under_sudo(sudo: &Sudo, mark: &Mark, inner: &str) -> String {
    let user = sudo.user.as_deref().map(|user| format!("-u {} ", word(user))).unwrap_or_default();
    let started = format!("printf %s {}\n{inner}", mark.started());
    // Without a password `-n` makes sudo fail at once instead of asking.
    let ask = if sudo.password.is_some() { format!("-S -p {}", mark.prompt()) } else { "-n".to_owned() };
    format!("sudo {ask} {user}-- /bin/sh -c {}", quoted(&started))
}

// === impl Kill ===

impl Kill {
    /// TERM to the whole group, two seconds of grace, then KILL. Ends with 0 when nobody is left a second later.
    pub(crate) fn text(group: u32, sudo: Option<&Sudo>) -> String {
        let inner = format!(
            "kill -s TERM -- -{group} 2>/dev/null\nn=0\n\
             while kill -s 0 -- -{group} 2>/dev/null;do\n\
             n=$((n+1))\n[ $n -ne 20 ]||kill -s KILL -- -{group} 2>/dev/null\n[ $n -lt 30 ]||exit 1\n\
             sleep 0.1 2>/dev/null||sleep 1\ndone"
        );
        match sudo {
            // Our own processes first, then those that sudo started; a password is not sent again for this.
            Some(_) => format!("sudo -n -- /bin/sh -c {0} 2>/dev/null || /bin/sh -c {0}", quoted(&inner)),
            None => format!("exec /bin/sh -c {}", quoted(&inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command as Process, Stdio};

    use super::*;
    use crate::exec::{Captured, OutputStream};

    /// Runs what would be sent through a real login-like shell.
    fn run(shell: &str, command: &Command) -> (Captured, Option<i32>, bool) {
        let Wrapped { text, stdin, mut filter } = Wrapped::new(command).unwrap();
        let mut child = Process::new(shell)
            .args(["-c", &text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Stdin::Bytes(bytes) = stdin {
            child.stdin.take().unwrap().write_all(&bytes).unwrap();
        }
        drop(child.stdin.take());
        let said = child.wait_with_output().unwrap();
        let mut sink = Captured::with_cap(1 << 20);
        filter.push(OutputStream::Stdout, &said.stdout, &mut sink);
        filter.push(OutputStream::Stderr, &said.stderr, &mut sink);
        filter.finish(&mut sink);
        (sink, said.status.code(), filter.succeeded())
    }

    fn stdout(command: &Command) -> String {
        let (sink, code, proven) = run("/bin/sh", command);
        assert_eq!((code, proven), (Some(0), true), "{sink:?}");
        String::from_utf8(sink.stdout).unwrap()
    }

    #[test]
    fn output_comes_through_as_it_is() {
        assert_eq!(stdout(&Command::shell("echo a; printf b")), "a\nb");
        assert_eq!(stdout(&Command::shell("true # a comment")), "");
        assert_eq!(stdout(&Command::shell("cat <<X\nhere\nX")), "here\n");
        assert_eq!(stdout(&Command::argv(["printf", "%s|", "it's", "a b", "$HOME"])), "it's|a b|$HOME|");
        assert_eq!(
            stdout(&Command::shell("pwd; echo \"$A\"").with_cwd("/usr").with_env("A", "x 'y'")),
            "/usr\nx 'y'\n"
        );
        assert_eq!(stdout(&Command::shell("cat").with_stdin(Stdin::Bytes("in".into()))), "in");
    }

    #[test]
    fn a_failure_keeps_its_status_and_has_no_trailer() {
        for (text, status) in [("exit 7", 7), ("false", 1), ("no-such-program-x", 127), ("(exit 255)", 255)] {
            for shell in ["/bin/sh", "/bin/bash"] {
                let (_, code, proven) = run(shell, &Command::shell(text));
                assert_eq!((code, proven), (Some(status), false), "{shell} {text}");
            }
        }
    }

    #[test]
    fn scripts_run_with_arguments_and_their_own_interpreter() {
        let sh = "echo \"$# $1\"; cat; echo $0";
        let said = stdout(&Command::script(sh, ["a b", "c"]).with_stdin(Stdin::Bytes("in\n".into())));
        let (head, path) = said.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(head, "2 a b\nin");
        assert!(!std::path::Path::new(path).exists(), "the script stayed behind at {path}");
        assert_eq!(
            stdout(&Command::script("#!/bin/bash -e\n[[ a == a ]] && echo ${BASH_VERSION:+yes}", [""; 0])),
            "yes\n"
        );
        let long = format!("#{}\necho long $1", "x".repeat(LONGEST_INLINE_SCRIPT));
        assert_eq!(stdout(&Command::script(long.clone(), ["y"])), "long y\n");
        let both = Command::script(long, [""; 0]).with_stdin(Stdin::Bytes("in".into()));
        assert!(Wrapped::new(&both).unwrap_err().contains("standard input, which is taken"));
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let fish = Host::new("h").with_var("shell", "raw");
        assert_eq!(Wrapped::for_host(&Command::shell("echo hi"), &fish).unwrap().text, "echo hi");
        assert!(Wrapped::for_host(&Command::shell("echo hi"), &Host::new("h")).unwrap().text.len() > 20);
        assert!(Wrapped::new(&Command::shell("a\0b")).unwrap_err().contains("NUL"));
        assert!(Wrapped::new(&Command::shell("x").with_env("A-B", "c")).unwrap_err().contains("A-B"));
        assert!(Wrapped::new(&Command::argv([""; 0])).unwrap_err().contains("empty list"));
        assert!(Wrapped::new(&Command::shell("x".repeat(200_000))).unwrap_err().contains("KiB"));
    }

    #[test]
    fn a_group_is_killed_even_when_it_ignores_term() {
        use std::os::unix::process::CommandExt as _;
        let mut child =
            Process::new("/bin/sh").args(["-c", "trap '' TERM; sleep 60 & sleep 60"]).process_group(0).spawn().unwrap();
        let group = child.id();
        let reaper = std::thread::spawn(move || child.wait().unwrap());
        // Its status is not looked at: where nobody reaps orphans, dead ones still count as there.
        Process::new("/bin/sh").args(["-c", &Kill::text(group, None)]).status().unwrap();
        assert!(!reaper.join().unwrap().success());
    }
}
