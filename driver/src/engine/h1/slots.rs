//! Connections by a key that is never used again, so that a late event of a closed connection finds nothing.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    #[inline]
    pub fn token(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The key of that number.
    #[inline]
    pub fn of(token: u64) -> Self {
        // Both halves are meant as they are.
        Self { index: token as u32, generation: (token >> 32) as u32 }
    }
}

#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub fn insert(&mut self, value: T) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            // Bounded by the places of a worker, a u32.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let slot = &mut self.slots[index as usize];
        slot.1 = Some(value);
        Key { index, generation: slot.0 }
    }

    /// The value of a key, while it is there.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, value) = self.slots.get_mut(key.index as usize)?;
        if *generation == key.generation { value.as_mut() } else { None }
    }

    /// Takes the value out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let (generation, value) = self.slots.get_mut(key.index as usize)?;
        let taken = if *generation == key.generation { value.take() } else { None };
        if taken.is_some() {
            *generation = generation.wrapping_add(1);
            self.free.push(key.index);
        }
        taken
    }

    /// Forgets all of them; their keys find nothing any more.
    pub fn clear(&mut self) {
        for (index, (generation, value)) in self.slots.iter_mut().enumerate() {
            if value.take().is_some() {
                *generation = generation.wrapping_add(1);
                self.free.push(u32::try_from(index).unwrap_or(u32::MAX));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_own_value_alone() {
        let mut slots = Slots::default();
        let (a, b) = (slots.insert('a'), slots.insert('b'));
        assert_eq!(slots.remove(a), Some('a'));
        let c = slots.insert('c');
        assert_eq!(slots.get_mut(a), None, "its slot serves another");
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.get_mut(b), Some(&mut 'b'));
        assert_eq!(slots.get_mut(Key::of(c.token())), Some(&mut 'c'));
        slots.clear();
        assert_eq!(slots.get_mut(b), None);
        assert_eq!(slots.get_mut(c), None);
        assert_eq!(slots.insert('d').index, 1, "slots are used again");
    }
}
