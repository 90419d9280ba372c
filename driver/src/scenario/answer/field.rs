//! A header field of an answer, as the engine found it.

/// A header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// In any case.
    pub name: &'a [u8],
    /// Without blanks around it.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The values of the fields of this name, in their order.
    pub fn values<'f>(fields: &'f [Field<'a>], name: &'f str) -> impl Iterator<Item = &'a [u8]> + 'f {
        fields
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }
}
