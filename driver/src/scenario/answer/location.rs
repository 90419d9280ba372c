//! Query keys of an address to which an answer leads.

use percent_encoding::percent_decode;

/// Calls `take` with the raw value of each query key of this name, in their order.
pub fn query_values<'a>(address: &'a [u8], key: &str, take: &mut dyn FnMut(&'a [u8])) {
    let address = &address[..memchr::memchr(b'#', address).unwrap_or(address.len())];
    let Some(at) = memchr::memchr(b'?', address) else { return };
    for pair in address[at + 1..].split(|byte| *byte == b'&') {
        let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = (&pair[..equals], pair.get(equals + 1..).unwrap_or_default());
        if decoded(name).eq(key.bytes()) {
            take(value);
        }
    }
}

/// The bytes of a query's text: %XX is a byte, and `+` a blank.
pub fn decoded(raw: &[u8]) -> impl Iterator<Item = u8> + '_ {
    // A plus that is meant as one is %2B, so blanks come first.
    raw.split(|byte| *byte == b'+')
        .enumerate()
        .flat_map(|(i, piece)| (i > 0).then_some(b' ').into_iter().chain(percent_decode(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(address: &str, key: &str, expected: &[&str]) {
        let mut found = Vec::new();
        query_values(address.as_bytes(), key, &mut |value| {
            found.push(String::from_utf8(decoded(value).collect()).unwrap());
        });
        assert_eq!(found, expected, "{key} in {address}");
    }

    #[test]
    fn a_query_key_has_its_values_decoded() {
        check("https://app.test/cb?code=a%2Fb+c%2B&state=1#code=no", "code", &["a/b c+"]);
        check("/cb?state=1&co%64e=2&code=3", "code", &["2", "3"]);
        check("/cb?code", "code", &[""]);
        check("/cb?code=a=b", "code", &["a=b"]);
        check("/cb?xcode=1&codex=2", "code", &[]);
        check("/cb#?code=1", "code", &[]);
        check("?a+b=%zz", "a b", &["%zz"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(address in prop::collection::vec(any::<u8>(), 0..60), key in "[a?&=%]{0,3}") {
            query_values(&address, &key, &mut |value| drop(decoded(value).collect::<Vec<_>>()));
        }
    }
}
