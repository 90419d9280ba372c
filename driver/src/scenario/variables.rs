//! What one session keeps: a fixed place in one buffer for each variable, so that no value allocates.

use std::sync::Arc;

use common::plan::program::Variable;

/// Where each variable's place begins and ends; shared by all sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Arc<[(u32, u32)]>);

impl Layout {
    /// Places for these variables, one after the other.
    pub fn new(variables: &[Variable]) -> Self {
        let mut at = 0;
        let place = |variable: &Variable| {
            let from = at;
            at += u32::try_from(variable.max).unwrap_or(u32::MAX);
            (from, at)
        };
        Self(variables.iter().map(place).collect())
    }

    /// Bytes of all places together.
    pub fn bytes(&self) -> usize {
        self.0.last().map_or(0, |(_, end)| *end as usize)
    }
}

/// The variables of one session.
#[derive(Debug, Clone)]
pub struct Variables {
    layout: Layout,
    bytes: Box<[u8]>,
    /// Length of each value; [`UNSET`] where there is none.
    lengths: Box<[u32]>,
}

const UNSET: u32 = u32::MAX;

/// A value that does not fit in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl Variables {
    /// None is set.
    pub fn new(layout: &Layout) -> Self {
        Self {
            layout: layout.clone(),
            bytes: vec![0; layout.bytes()].into_boxed_slice(),
            lengths: vec![UNSET; layout.0.len()].into_boxed_slice(),
        }
    }

    /// The value of a variable, by its index in `Program::variables`; `None` where it is not set.
    #[inline]
    pub fn get(&self, variable: usize) -> Option<&[u8]> {
        let length = *self.lengths.get(variable)?;
        let from = self.layout.0.get(variable)?.0 as usize;
        (length != UNSET).then(|| &self.bytes[from..from + length as usize])
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// Where the value is longer than its `max`; then the variable is as before.
    #[inline]
    pub fn set(&mut self, variable: usize, value: &[u8]) -> Result<(), TooLong> {
        let (from, end) = *self.layout.0.get(variable).ok_or(TooLong)?;
        if value.len() > (end - from) as usize {
            return Err(TooLong);
        }
        let from = from as usize;
        self.bytes[from..from + value.len()].copy_from_slice(value);
        self.lengths[variable] = u32::try_from(value.len()).unwrap_or(0);
        Ok(())
    }

    /// Unsets all, for the next session.
    pub fn clear(&mut self) {
        // `fill` calls memset, also for an empty slice, whose address is not mapped. glibc's memset for AVX-512 stores there
        // under a mask that is all zero, and the processor takes 70 ns to suppress the fault.
        if !self.lengths.is_empty() {
            self.lengths.fill(UNSET);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(sizes: &[usize]) -> Variables {
        let of = |(i, max): (usize, &usize)| Variable { name: format!("v{i}"), max: *max, secret: false };
        Variables::new(&Layout::new(&sizes.iter().enumerate().map(of).collect::<Vec<_>>()))
    }

    #[test]
    fn values_keep_to_their_places() {
        let mut variables = variables(&[3, 5, 1]);
        assert_eq!(variables.get(1), None);
        assert_eq!(
            (variables.set(0, b"abc"), variables.set(1, b""), variables.set(2, b"z")),
            (Ok(()), Ok(()), Ok(()))
        );
        assert_eq!(variables.set(1, b"longer"), Err(TooLong));
        assert_eq!([0, 1, 2].map(|i| variables.get(i)), [Some(&b"abc"[..]), Some(b""), Some(b"z")]);
        assert_eq!((variables.set(3, b""), variables.get(3)), (Err(TooLong), None), "there are three");
        variables.clear();
        assert_eq!(variables.get(0), None);
    }
}
