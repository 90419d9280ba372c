//! The rows of one `[data]`: which session takes which, and the cells, all in one arena.

use common::plan::program::{DataSet, Order};

use super::numbers::{AliasTable, Feistel, below, mix64, place_of, with_round};

/// Rows, as sessions take them.
#[derive(Debug, Clone)]
pub struct Rows {
    /// All cells, one after the other.
    arena: Box<str>,
    /// Where each cell ends; each begins where the one before ends.
    ends: Box<[u32]>,
    columns: usize,
    n_rows: u64,
    take: Take,
    /// What the values of `shuffle` and `random` are drawn from: the seed and the name of the data.
    seed: u64,
    place: u64,
}

#[derive(Debug, Clone)]
enum Take {
    Circular,
    Shuffle,
    Random,
    Weighted(AliasTable),
}

impl Rows {
    /// Puts the cells together.
    pub fn new(data: &DataSet, seed: u64) -> Self {
        let columns = data.columns.len();
        let bytes = data.rows.iter().flatten().map(String::len).sum();
        let mut arena = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(data.rows.len() * columns);
        for row in &data.rows {
            for column in 0..columns {
                arena.push_str(row.get(column).map_or("", String::as_str));
                // An arena holds at most 1 GiB.
                ends.push(u32::try_from(arena.len()).unwrap_or(u32::MAX));
            }
        }
        let take = match (data.order, data.weight) {
            (Order::Circular | Order::Once, _) => Take::Circular,
            (Order::Shuffle, _) => Take::Shuffle,
            (Order::Random, None) => Take::Random,
            (Order::Random, Some(weight)) => {
                let of = |row: &Vec<String>| row.get(weight).and_then(|cell| cell.trim().parse().ok());
                let weights: Vec<f64> = data.rows.iter().map(|row| of(row).unwrap_or(0.0)).collect();
                Take::Weighted(AliasTable::new(&weights))
            }
        };
        Self {
            arena: arena.into_boxed_str(),
            ends: ends.into_boxed_slice(),
            columns,
            n_rows: data.rows.len() as u64,
            take,
            seed,
            place: place_of("data").wrapping_add(place_of(&data.name)),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.n_rows
    }

    /// Whether there is none, which no plan allows.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// The row that is taken at x, where x counts all rows that the sessions of a test take. `order = "once"` is x
    /// itself, which the caller keeps below [`Rows::len`].
    #[inline]
    pub fn row(&self, x: u64) -> usize {
        let Some(at) = x.checked_rem(self.n_rows) else { return 0 };
        let row = match &self.take {
            Take::Circular => at,
            Take::Shuffle => {
                let key = mix64(self.seed, x / self.n_rows, self.place);
                Feistel::new(self.n_rows, key).at(at)
            }
            Take::Random => below(self.draw(x), self.n_rows),
            Take::Weighted(table) => return table.pick(self.draw(x)),
        };
        usize::try_from(row).unwrap_or(0)
    }

    #[inline]
    fn draw(&self, x: u64) -> u64 {
        mix64(self.seed, x, with_round(self.place, 0))
    }

    /// A cell; empty where there is none.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        if column >= self.columns {
            return "";
        }
        let at = row * self.columns + column;
        let Some(end) = self.ends.get(at) else { return "" };
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.arena[from..*end as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn data(n: usize, order: Order, weight: Option<usize>) -> DataSet {
        let row = |i: usize| vec![format!("id{i}"), String::new(), format!("{}", i % 3)];
        DataSet {
            name: "product".to_owned(),
            columns: ["id", "empty", "count"].map(str::to_owned).to_vec(),
            rows: (0..n).map(row).collect(),
            order,
            weight,
        }
    }

    #[test]
    fn cells_are_those_of_the_data() {
        let rows = Rows::new(&data(3, Order::Circular, None), 1);
        assert_eq!((rows.len(), rows.is_empty()), (3, false));
        assert_eq!([(0, 0), (1, 1), (2, 0), (2, 2)].map(|(r, c)| rows.cell(r, c)), ["id0", "", "id2", "2"]);
        assert_eq!([(3, 0), (0, 3), (usize::MAX / 4, 1)].map(|(r, c)| rows.cell(r, c)), ["", "", ""]);
    }

    #[test]
    fn each_order_takes_rows_as_it_says() {
        let circular = Rows::new(&data(5, Order::Circular, None), 1);
        assert_eq!((0..7).map(|x| circular.row(x)).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 0, 1]);
        let once = Rows::new(&data(5, Order::Once, None), 1);
        assert_eq!((0..5).map(|x| once.row(x)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let shuffle = Rows::new(&data(50, Order::Shuffle, None), 1);
        let round = |n: u64| (50 * n..50 * n + 50).map(|x| shuffle.row(x)).collect::<Vec<_>>();
        for n in 0..4 {
            assert_eq!(round(n).iter().copied().collect::<BTreeSet<_>>().len(), 50, "each once a round");
        }
        assert_ne!(round(0), round(1), "every round in another order");
        let random = Rows::new(&data(50, Order::Random, None), 1);
        let seen: BTreeSet<usize> = (0..1_000).map(|x| random.row(x)).collect();
        assert_eq!(seen.len(), 50);
        let weighted = Rows::new(&data(9, Order::Random, Some(2)), 1);
        assert!((0..1_000).all(|x| !weighted.row(x).is_multiple_of(3)), "a weight of 0 is never taken");
    }

    #[test]
    fn rows_follow_from_the_seed_and_the_name() {
        let of = |name: &str, seed: u64| {
            let mut data = data(1_000, Order::Random, None);
            data.name = name.to_owned();
            let rows = Rows::new(&data, seed);
            (0..10).map(|x| rows.row(x)).collect::<Vec<_>>()
        };
        assert_eq!(of("a", 1), of("a", 1));
        assert_ne!(of("a", 1), of("a", 2));
        assert_ne!(of("a", 1), of("b", 1));
    }

    #[test]
    fn no_row_is_no_panic() {
        let rows = Rows::new(&data(0, Order::Random, None), 1);
        assert_eq!((rows.row(5), rows.cell(0, 0)), (0, ""));
    }
}
