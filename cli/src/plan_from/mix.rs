//! From counted requests to a mix: each with its share; or, where there are many paths of one shape, one request whose
//! paths are rows with weights.

use std::collections::BTreeMap;

use super::draft::{BodyDraft, Draft, RequestDraft, literal_path};
use super::fields::Fields;
use super::names::{Names, is_id, word};
use super::urls::Skipped;

/// Most paths of one shape that are requests of their own.
const MAX_OF_A_SHAPE: usize = 40;
/// Most requests of their own altogether; above that, those that differ in the path alone are rows of one.
const MAX_OWN: usize = 100;
/// Most requests of a plan: names have room for some more.
const MAX_REQUESTS: usize = 240;
/// Most data sets.
const MAX_SETS: usize = 60;
/// Most bytes of the cells of all rows.
const MAX_ROW_BYTES: usize = 400 * 1_024;
/// Most hosts, the first included.
const MAX_HOSTS: usize = 16;
/// Highest share of a request.
const MAX_SHARE: u64 = 1_000_000;
/// The rarest request has one session in so many: a plan refuses less than one in 10,007 of the shares together, to which
/// those that are raised add 239 at most.
const RAREST: u64 = 9_600;

/// One request as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// Scheme, host and port; empty where `--url` gives them.
    pub host: String,
    pub method: String,
    pub fields: Fields,
    pub body_file: Option<String>,
    /// With its query.
    pub path: String,
}

/// What the mix is made with.
#[derive(Debug)]
pub struct Mix {
    /// Where all requests go.
    pub base: Option<String>,
    /// What the lines were.
    pub from: String,
    pub secrets: Vec<(String, String)>,
}

/// Requests that become one, with the count and the first line of each.
type Group = Vec<(Sent, u64, u64)>;

/// Makes the plan, with a remark on requests that are sent more often than they were counted; what has no room is counted as
/// skipped.
pub fn draft(mix: Mix, sent: BTreeMap<Sent, (u64, u64)>, skipped: &mut Skipped) -> (Draft, Option<String>) {
    let all: Group = sent.into_iter().map(|(sent, (n, line))| (sent, n, line)).collect();
    let (hosts, all) = within_hosts(mix.base, all, skipped);
    let mut groups = grouped(all);
    groups.sort_by_key(|group| std::cmp::Reverse(total(group)));
    let mut sets = 0;
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        let is_set = group.len() > 1;
        if kept.len() >= MAX_REQUESTS || (is_set && sets >= MAX_SETS) {
            skip(&group, "more requests than a plan has names for; the frequent ones are taken", skipped);
            continue;
        }
        sets += usize::from(is_set);
        kept.push(group);
    }
    let mut draft = Draft { from: mix.from, secrets: mix.secrets, ..Draft::default() };
    let (shares, n_raised) = shares(&kept);
    let is_one = kept.len() == 1;
    let mut names = Names::default();
    let mut room = MAX_ROW_BYTES;
    for (group, share) in kept.into_iter().zip(shares) {
        let Some((first, _, _)) = group.first() else { continue };
        let name = match group.len() {
            1 => names.of_request(&first.method, &first.path),
            _ => names.of_request(&first.method, &common_path(&group)),
        };
        let host = hosts.iter().find(|(_, url)| *url == first.host).map(|(name, _)| name.clone());
        let request = RequestDraft {
            name,
            share: (!is_one).then_some(share),
            host: host.filter(|name| !name.is_empty()),
            method: Some(first.method.clone()),
            headers: first.fields.clone().into_list(),
            body: first.body_file.clone().map_or(BodyDraft::None, BodyDraft::File),
            ..RequestDraft::default()
        };
        let path = if group.len() == 1 {
            literal_path(&first.path)
        } else {
            let set =
                if draft.data.is_empty() { "url".to_owned() } else { format!("url{}", draft.data.len() + 1) };
            let path = format!("{{{{{set}.path | raw}}}}");
            match rows(group, &mut room, skipped) {
                rows if rows.is_empty() => continue,
                rows => draft.data.push((set, rows)),
            }
            path
        };
        draft.requests.push(RequestDraft { path, ..request });
    }
    let mut hosts = hosts.into_iter();
    draft.url = hosts.next().map(|(_, url)| url).unwrap_or_default();
    draft.hosts = hosts.collect();
    (draft, raised(n_raised))
}

/// A remark on requests whose share was raised.
fn raised(n: usize) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("1 request came less often than once in {RAREST}, and has that share")),
        n => Some(format!("{n} requests came less often than once in {RAREST}, and have that share")),
    }
}

fn total(group: &Group) -> u64 {
    group.iter().fold(0, |sum, (_, n, _)| sum.saturating_add(*n))
}

fn skip(group: &Group, reason: &str, skipped: &mut Skipped) {
    for (_, n, line) in group {
        skipped.add_requests(reason, *n, *line);
    }
}

/// Names of hosts with their addresses, the most frequent first and without a name, and the requests that go there.
fn within_hosts(base: Option<String>, all: Group, skipped: &mut Skipped) -> (Vec<(String, String)>, Group) {
    if let Some(base) = base {
        let hosts = vec![(String::new(), base)];
        return (hosts, all);
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (sent, n, _) in &all {
        let count = counts.entry(sent.host.clone()).or_default();
        *count = count.saturating_add(*n);
    }
    let mut by_count: Vec<(String, u64)> = counts.into_iter().collect();
    by_count.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut names = Names::default();
    let named = by_count.into_iter().take(MAX_HOSTS).enumerate().map(|(index, (url, _))| {
        let host = url.split_once("://").map_or("", |(_, host)| host);
        let base = match word(host) {
            base if base.is_empty() || common::plan::language::is_reserved(&base) => format!("host-{base}"),
            base => base,
        };
        (if index == 0 { String::new() } else { names.unique(base.trim_end_matches('-')) }, url)
    });
    let hosts: Vec<(String, String)> = named.collect();
    let (taken, left): (Group, Group) =
        all.into_iter().partition(|(sent, _, _)| hosts.iter().any(|(_, url)| *url == sent.host));
    skip(&left, "more than 16 hosts; the frequent ones are taken", skipped);
    (hosts, taken)
}

/// Puts together what is one request.
fn grouped(all: Group) -> Vec<Group> {
    let (mut groups, all) = by_shape(all, MAX_OF_A_SHAPE, |sent| shape(&sent.path, false));
    let (more, all) = by_shape(all, MAX_OF_A_SHAPE, |sent| shape(&sent.path, true));
    groups.extend(more);
    let own = if all.len() > MAX_OWN {
        let (more, own) = by_shape(all, MAX_OF_A_SHAPE, |_| String::new());
        groups.extend(more);
        own
    } else {
        all
    };
    groups.extend(own.into_iter().map(|one| vec![one]));
    groups
}

/// Groups of more than `most` that are alike but for their paths, which have one shape; and what is in no such group.
fn by_shape(all: Group, most: usize, shape: impl Fn(&Sent) -> String) -> (Vec<Group>, Group) {
    let mut shapes: BTreeMap<Sent, Group> = BTreeMap::new();
    for one in all {
        let key = Sent { path: shape(&one.0), ..one.0.clone() };
        shapes.entry(key).or_default().push(one);
    }
    let (many, few): (Vec<Group>, Vec<Group>) = shapes.into_values().partition(|group| group.len() > most);
    (many, few.into_iter().flatten().collect())
}

/// A path without what names one of many: parts with digits, the values of its query, and, where asked, its last part.
fn shape(path: &str, without_last: bool) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parts: Vec<&str> = path.split('/').map(|part| if is_id(part) { "*" } else { part }).collect();
    if without_last && let Some(last) = parts.last_mut() {
        *last = "*";
    }
    let keys: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    format!("{}?{}", parts.join("/"), keys.join("&"))
}

/// What the paths of a group have in common from their beginning on, in whole parts.
fn common_path(group: &Group) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('?').next().unwrap_or_default().split('/').map(str::to_owned).collect()
    };
    let mut paths = group.iter().map(|(sent, _, _)| parts(&sent.path));
    let first = paths.next().unwrap_or_default();
    let is_common =
        |(at, part): &(usize, &String), path: &[String]| path.get(*at) == Some(*part) || is_id(part);
    let n = paths.fold(first.len(), |n, path| {
        first.iter().enumerate().take(n).take_while(|it| is_common(it, &path)).count()
    });
    first.get(..n).unwrap_or_default().join("/")
}

/// The rows of a group, the frequent ones first, as long as there is room.
fn rows(mut group: Group, room: &mut usize, skipped: &mut Skipped) -> Vec<(String, u64)> {
    group.sort_by_key(|(_, n, _)| std::cmp::Reverse(*n));
    let mut rows = Vec::with_capacity(group.len());
    for (sent, n, line) in group {
        let bytes = sent.path.len() + n.to_string().len();
        if bytes > *room {
            let reason = "more different paths than fit into a plan (400 KiB); the frequent ones are taken";
            skipped.add_requests(reason, n, line);
            continue;
        }
        *room -= bytes;
        rows.push((sent.path, n));
    }
    rows
}

/// The shares of groups: their counts, as small as they can be; and how many were raised to that of the rarest.
fn shares(groups: &[Group]) -> (Vec<u64>, usize) {
    let mut counts: Vec<u64> = groups.iter().map(total).collect();
    let sum = counts.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let least = sum.div_ceil(RAREST);
    let n_raised = counts.iter().filter(|n| **n < least).count();
    counts.iter_mut().for_each(|n| *n = (*n).max(least));
    let divisor = counts.iter().copied().fold(0, gcd).max(1);
    let most = counts.iter().copied().max().unwrap_or(1) / divisor;
    let scale = |count: u64| {
        let count = count / divisor;
        if most <= MAX_SHARE {
            return count.max(1);
        }
        // The smallest is a hundred or more then, so that what is cut off does not make it too rare.
        let share = u128::from(count) * u128::from(MAX_SHARE) / u128::from(most);
        u64::try_from(share).unwrap_or(MAX_SHARE).max(1)
    };
    (counts.into_iter().map(scale).collect(), n_raised)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
