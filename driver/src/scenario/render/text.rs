//! Templates as they are rendered: bytes and slots. Adjacent bytes are joined, and what is the same for all attempts
//! is bytes.

use std::fmt;

use common::plan::program::{Filter, Part, Place, Slot, Template};

use super::escape::{Escape, literal_target, percent, quoted};
use super::values::{Compiled, Source};
use super::{Constants, Context, MAX_RENDERED, RenderError, filters};
use crate::scenario::numbers::{place_of, with_round};

/// A text, ready to be rendered.
#[derive(Clone, Default)]
pub struct Text {
    literals: Box<[u8]>,
    ops: Box<[Op]>,
}

#[derive(Clone)]
enum Op {
    /// Bytes of `literals`, from there to there.
    Literal(usize, usize),
    Slot(Box<SlotOp>),
    /// A value that is never there, or that never fits.
    Fail,
}

#[derive(Clone)]
struct SlotOp {
    source: Source,
    /// Hash of the slot's path in its request.
    place: u64,
    filters: Box<[Filter]>,
    escape: Escape,
}

impl Text {
    /// Prepares a template that stands in this place. `path`: where it stands in the plan, as in
    /// `requests.search.query.lat`: its random values follow from that, so that each path has its own.
    pub fn compile(template: &Template, place: Place, path: &str, constants: &Constants<'_>) -> Self {
        let mut text = Builder::new(constants);
        text.template(template, place, path);
        text.finish()
    }

    /// The text, where all attempts have the same.
    pub fn as_constant(&self) -> Option<&str> {
        std::str::from_utf8(self.as_constant_bytes()?).ok()
    }

    /// The bytes, where all attempts have the same.
    pub(super) fn as_constant_bytes(&self) -> Option<&[u8]> {
        matches!(*self.ops, [] | [Op::Literal(..)]).then_some(&self.literals)
    }

    /// How many bytes stand in it as they are.
    pub(super) fn n_literal_bytes(&self) -> usize {
        self.literals.len()
    }

    /// How many pieces of bytes and slots it has.
    pub(super) fn n_parts(&self) -> usize {
        self.ops.len()
    }

    /// Whether the values of all its slots are escaped for a path, so that none of them holds a `?` or `&`; not where it
    /// cannot be rendered at all.
    pub(super) fn is_escaped(&self) -> bool {
        self.ops.iter().all(|op| match op {
            Op::Literal(..) => true,
            Op::Slot(slot) => matches!(slot.escape, Escape::Percent | Escape::Never),
            Op::Fail => false,
        })
    }

    /// Whether such a byte stands in it as it is.
    pub(super) fn has_literal(&self, byte: u8) -> bool {
        self.literals.contains(&byte)
    }

    /// Its last byte, where that is not part of a value.
    pub(super) fn last_literal(&self) -> Option<u8> {
        match self.ops.last() {
            Some(Op::Literal(..)) => self.literals.last().copied(),
            _ => None,
        }
    }

    /// Appends the text. Where it fails, `out` is as before.
    ///
    /// # Errors
    /// Where a value is missing, or does not fit where it stands.
    #[allow(clippy::needless_pass_by_ref_mut)] // the contract of all renderings
    pub fn render(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let from = out.len();
        self.write(context, out).inspect_err(|_| out.truncate(from))
    }

    /// Appends the text; where it fails, `out` has some of it.
    pub(super) fn write(&self, context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let from = out.len();
        for op in &self.ops {
            match op {
                Op::Literal(begin, end) => out.extend_from_slice(&self.literals[*begin..*end]),
                Op::Slot(slot) => slot.write(context, out)?,
                Op::Fail => return Err(RenderError::Template),
            }
        }
        let bound = self.literals.len() + MAX_RENDERED;
        if out.len() - from > bound { Err(RenderError::Template) } else { Ok(()) }
    }
}

impl fmt::Debug for Text {
    /// Without its bytes: secrets may stand in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes, {} parts)", self.literals.len(), self.ops.len())
    }
}

impl SlotOp {
    #[inline]
    fn write(&self, context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let from = out.len();
        self.source.write(self.place, context, out)?;
        match (self.escape, &*self.filters) {
            (Escape::Never, []) => Ok(()),
            (escape, filters) => change(filters, escape, out, from),
        }
    }
}

/// Filters a value, and escapes it for its place.
fn change(filters: &[Filter], escape: Escape, out: &mut Vec<u8>, from: usize) -> Result<(), RenderError> {
    for filter in filters {
        filters::apply(*filter, out, from)?;
    }
    escape.apply(out, from)
}

/// Puts a text together from templates and bytes.
pub struct Builder<'a> {
    constants: &'a Constants<'a>,
    literals: Vec<u8>,
    ops: Vec<Op>,
    /// How many `uuid` and `unique` there were in this rendering.
    n_unique: u32,
}

impl<'a> Builder<'a> {
    pub fn new(constants: &'a Constants<'a>) -> Self {
        Self { constants, literals: Vec::new(), ops: Vec::new(), n_unique: 0 }
    }

    /// Bytes that are sent as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let from = self.literals.len();
        self.literals.extend_from_slice(bytes);
        self.join(from)
    }

    /// Takes in what was appended to the literals.
    fn join(&mut self, from: usize) -> &mut Self {
        let end = self.literals.len();
        match self.ops.last_mut() {
            _ if from == end => {}
            Some(Op::Literal(_, last)) if *last == from => *last = end,
            _ => self.ops.push(Op::Literal(from, end)),
        }
        self
    }

    /// Text of the plan as this place has it.
    pub fn literal(&mut self, text: &str, place: Place) -> &mut Self {
        let from = self.literals.len();
        for byte in text.bytes() {
            match place {
                Place::Path => literal_target(byte, &mut self.literals),
                Place::Query => percent(byte, &mut self.literals),
                Place::Header | Place::JsonString | Place::Plain => self.literals.push(byte),
            }
        }
        self.join(from)
    }

    /// Another text, whole.
    pub fn text(&mut self, text: &Text) -> &mut Self {
        for op in &text.ops {
            match op {
                Op::Literal(from, end) => {
                    self.bytes(&text.literals[*from..*end]);
                }
                Op::Slot(_) | Op::Fail => self.ops.push(op.clone()),
            }
        }
        self
    }

    /// A quoted parameter of a multipart head.
    pub fn quoted(&mut self, text: &str) -> &mut Self {
        let from = self.literals.len();
        text.bytes().for_each(|byte| quoted(byte, &mut self.literals));
        self.join(from)
    }

    /// A template in this place.
    pub fn template(&mut self, template: &Template, place: Place, path: &str) -> &mut Self {
        let escape = |slot: &Slot| Escape::of(place, slot.filters.last() == Some(&Filter::Raw));
        self.parts(template, path, escape, |builder, text| {
            builder.literal(text, place);
        })
    }

    /// A template in a quoted parameter of a multipart head.
    pub fn quoted_template(&mut self, template: &Template, path: &str) -> &mut Self {
        self.parts(
            template,
            path,
            |_| Escape::Quoted,
            |builder, text| {
                builder.quoted(text);
            },
        )
    }

    fn parts(
        &mut self,
        template: &Template,
        path: &str,
        escape: impl Fn(&Slot) -> Escape,
        literal: impl Fn(&mut Self, &str),
    ) -> &mut Self {
        let mut place = place_of(path);
        for part in &template.parts {
            match part {
                Part::Text(text) => literal(self, text),
                Part::Slot(slot) => {
                    self.slot(slot, place, escape(slot));
                    place = with_round(place, 0);
                }
            }
        }
        self
    }

    fn slot(&mut self, slot: &Slot, place: u64, escape: Escape) {
        let op = match Compiled::of(&slot.value, self.constants, &mut self.n_unique) {
            Compiled::Varies(source) => {
                let filters: Box<[Filter]> =
                    slot.filters.iter().copied().filter(|filter| *filter != Filter::Raw).collect();
                let escape = if filters.is_empty() && source.is_plain() { Escape::Never } else { escape };
                Op::Slot(Box::new(SlotOp { source, place, filters, escape }))
            }
            Compiled::Constant(mut value) => match change(&slot.filters, escape, &mut value, 0) {
                Ok(()) => {
                    self.bytes(&value);
                    return;
                }
                Err(_) => Op::Fail,
            },
            Compiled::Missing => Op::Fail,
        };
        self.ops.push(op);
    }

    /// The text so far; the next one begins anew, and counts on what must not come twice.
    pub fn finish(&mut self) -> Text {
        let literals = std::mem::take(&mut self.literals).into_boxed_slice();
        Text { literals, ops: std::mem::take(&mut self.ops).into_boxed_slice() }
    }
}
