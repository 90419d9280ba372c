//! The options of curl: which take a value, and what becomes of each.

/// What an option means to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Method,
    Header,
    /// `-d`: a text, or a file after `@`.
    Data,
    DataRaw,
    DataBinary,
    DataUrlencode,
    Json,
    /// `-F`.
    Form,
    /// A part whose value is never a file.
    FormString,
    User,
    Bearer,
    Cookie,
    Agent,
    Referer,
    /// The data go into the URL's query.
    Get,
    Head,
    Insecure,
    Compressed,
    MaxTime,
    Url,
    Upload,
    /// The options of another request follow.
    Next,
    /// It has no bearing on what is sent.
    Nothing,
    /// It is left out, and this says so.
    LeftOut(&'static str),
}

/// An option: its letter, its long name, whether it takes a value, and what it means.
type Known = (Option<char>, &'static str, bool, Means);

const PROXY: Means = Means::LeftOut("requests go straight to the target");
const RESOLVE: Means = Means::LeftOut(
    "the host's name is looked up as usual; write the other address as target.url, and host as a header",
);
const TLS: Means = Means::LeftOut("certificates are given in [target] tls, see docs/plans.md");
const VERSION: Means = Means::LeftOut("HTTP/1.1 is sent");
const RETRY: Means = Means::LeftOut("a failed request is counted and not sent again");
const LOGIN: Means = Means::LeftOut("this kind of log-in is not built; requests are sent without it");

const KNOWN: &[Known] = &[
    (Some('X'), "request", true, Means::Method),
    (Some('H'), "header", true, Means::Header),
    (Some('d'), "data", true, Means::Data),
    (None, "data-ascii", true, Means::Data),
    (None, "data-raw", true, Means::DataRaw),
    (None, "data-binary", true, Means::DataBinary),
    (None, "data-urlencode", true, Means::DataUrlencode),
    (None, "json", true, Means::Json),
    (Some('F'), "form", true, Means::Form),
    (None, "form-string", true, Means::FormString),
    (Some('u'), "user", true, Means::User),
    (None, "oauth2-bearer", true, Means::Bearer),
    (Some('b'), "cookie", true, Means::Cookie),
    (Some('A'), "user-agent", true, Means::Agent),
    (Some('e'), "referer", true, Means::Referer),
    (Some('G'), "get", false, Means::Get),
    (Some('I'), "head", false, Means::Head),
    (Some('k'), "insecure", false, Means::Insecure),
    (None, "compressed", false, Means::Compressed),
    (Some('m'), "max-time", true, Means::MaxTime),
    (None, "url", true, Means::Url),
    (Some('T'), "upload-file", true, Means::Upload),
    (Some(':'), "next", false, Means::Next),
    (Some('L'), "location", false, Means::LeftOut("redirects are not followed; a redirect is the answer")),
    (None, "location-trusted", false, Means::LeftOut("redirects are not followed; a redirect is the answer")),
    (None, "max-redirs", true, Means::LeftOut("redirects are not followed; a redirect is the answer")),
    (None, "post301", false, Means::LeftOut("redirects are not followed; a redirect is the answer")),
    (None, "post302", false, Means::LeftOut("redirects are not followed; a redirect is the answer")),
    (Some('f'), "fail", false, Means::Nothing),
    (None, "fail-with-body", false, Means::Nothing),
    (
        Some('c'),
        "cookie-jar",
        true,
        Means::LeftOut("cookies = true in a scenario gives each session its own cookies"),
    ),
    (Some('j'), "junk-session-cookies", false, Means::Nothing),
    (Some('K'), "config", true, Means::LeftOut("the file is not read; give its options on the command line")),
    (Some('x'), "proxy", true, PROXY),
    (Some('U'), "proxy-user", true, PROXY),
    (None, "socks5", true, PROXY),
    (None, "socks5-hostname", true, PROXY),
    (None, "socks4", true, PROXY),
    (None, "noproxy", true, Means::Nothing),
    (None, "proxy-header", true, PROXY),
    (None, "resolve", true, RESOLVE),
    (None, "connect-to", true, RESOLVE),
    (None, "unix-socket", true, Means::LeftOut("requests are sent over TCP")),
    (None, "interface", true, Means::LeftOut("the system chooses where requests leave")),
    (Some('E'), "cert", true, TLS),
    (None, "key", true, TLS),
    (None, "cacert", true, TLS),
    (None, "capath", true, TLS),
    (None, "pass", true, TLS),
    (None, "cert-type", true, TLS),
    (None, "key-type", true, TLS),
    (None, "ciphers", true, TLS),
    (None, "tls-max", true, TLS),
    (Some('1'), "tlsv1", false, TLS),
    (None, "tlsv1.2", false, Means::Nothing),
    (None, "tlsv1.3", false, Means::Nothing),
    (None, "http2", false, VERSION),
    (None, "http2-prior-knowledge", false, VERSION),
    (None, "http3", false, VERSION),
    (None, "http3-only", false, VERSION),
    (Some('0'), "http1.0", false, VERSION),
    (None, "http1.1", false, Means::Nothing),
    (None, "retry", true, RETRY),
    (None, "retry-delay", true, Means::Nothing),
    (None, "retry-max-time", true, Means::Nothing),
    (None, "retry-all-errors", false, RETRY),
    (None, "retry-connrefused", false, RETRY),
    (None, "digest", false, LOGIN),
    (None, "ntlm", false, LOGIN),
    (None, "negotiate", false, LOGIN),
    (None, "anyauth", false, LOGIN),
    (None, "aws-sigv4", true, LOGIN),
    (None, "basic", false, Means::Nothing),
    (Some('n'), "netrc", false, Means::LeftOut("the file is not read; -u gives a user")),
    (Some('r'), "range", true, Means::LeftOut("write the header range in the plan")),
    (Some('C'), "continue-at", true, Means::LeftOut("each answer is read from its beginning")),
    (Some('z'), "time-cond", true, Means::LeftOut("write the header if-modified-since in the plan")),
    (None, "limit-rate", true, Means::LeftOut("answers are read as fast as they come")),
    (None, "connect-timeout", true, Means::LeftOut("timeout is for a request as a whole; -m gives it")),
    (None, "path-as-is", false, Means::Nothing),
    (Some('g'), "globoff", false, Means::Nothing),
    (Some('s'), "silent", false, Means::Nothing),
    (Some('S'), "show-error", false, Means::Nothing),
    (Some('v'), "verbose", false, Means::Nothing),
    (Some('i'), "include", false, Means::Nothing),
    (None, "show-headers", false, Means::Nothing),
    (Some('#'), "progress-bar", false, Means::Nothing),
    (Some('N'), "no-buffer", false, Means::Nothing),
    (Some('a'), "append", false, Means::Nothing),
    (Some('q'), "disable", false, Means::Nothing),
    (Some('4'), "ipv4", false, Means::Nothing),
    (Some('6'), "ipv6", false, Means::Nothing),
    (Some('O'), "remote-name", false, Means::Nothing),
    (Some('J'), "remote-header-name", false, Means::Nothing),
    (Some('o'), "output", true, Means::Nothing),
    (None, "output-dir", true, Means::Nothing),
    (Some('w'), "write-out", true, Means::Nothing),
    (Some('D'), "dump-header", true, Means::Nothing),
    (Some('y'), "speed-time", true, Means::Nothing),
    (Some('Y'), "speed-limit", true, Means::Nothing),
    (None, "stderr", true, Means::Nothing),
    (None, "trace", true, Means::Nothing),
    (None, "trace-ascii", true, Means::Nothing),
    (None, "keepalive-time", true, Means::Nothing),
    (None, "max-filesize", true, Means::Nothing),
    (None, "tcp-nodelay", false, Means::Nothing),
    (Some('Z'), "parallel", false, Means::Nothing),
];

/// One option as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    /// As it is shown, without its value: `-L`.
    pub shown: String,
    pub means: Means,
    /// Empty where it takes none.
    pub value: String,
}

/// A word of the command line.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    Option(Given),
    /// Neither an option nor a value: a URL.
    Url(String),
    /// An option that curl may have and this does not know, as it is shown.
    Unknown(String),
    /// An option without its value.
    Lacks(String),
}

/// Reads words as curl does: letters may stand together (`-sSL`), and a value may follow its letter (`-XPOST`).
pub fn read(words: &[String]) -> Vec<Word> {
    let mut read = Vec::new();
    let mut words = words.iter();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || !word.starts_with('-') || word == "-" {
            read.push(Word::Url(word.clone()));
        } else if word == "--" {
            only_urls = true;
        } else if let Some(name) = word.strip_prefix("--") {
            // curl takes --name value; people write --name=value, too.
            let (name, joined) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name, None),
            };
            let shown =
                format!("--{}", name.chars().filter(|c| !c.is_control()).take(40).collect::<String>());
            match KNOWN.iter().find(|(_, long, _, _)| *long == name) {
                Some((_, _, true, means)) => {
                    match joined.map(str::to_owned).or_else(|| words.next().cloned()) {
                        Some(value) => read.push(Word::Option(Given { shown, means: *means, value })),
                        None => read.push(Word::Lacks(shown)),
                    }
                }
                Some((_, _, false, means)) => {
                    read.push(Word::Option(Given { shown, means: *means, value: String::new() }));
                }
                // --no-keepalive and the like take nothing.
                None => read.push(Word::Unknown(shown)),
            }
        } else {
            read_letters(word, &mut words, &mut read);
        }
    }
    read
}

fn read_letters(word: &str, words: &mut std::slice::Iter<'_, String>, read: &mut Vec<Word>) {
    let mut letters = word.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        let shown = format!("-{}", if letter.is_control() { '?' } else { letter });
        match KNOWN.iter().find(|(short, _, _, _)| *short == Some(letter)) {
            Some((_, _, true, means)) => {
                let rest = letters.as_str();
                let value = if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
                match value {
                    Some(value) => read.push(Word::Option(Given { shown, means: *means, value })),
                    None => read.push(Word::Lacks(shown)),
                }
                return;
            }
            Some((_, _, false, means)) => {
                read.push(Word::Option(Given { shown, means: *means, value: String::new() }));
            }
            None => {
                read.push(Word::Unknown(shown));
                return;
            }
        }
    }
}
