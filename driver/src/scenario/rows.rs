//! The rows of one `[data]`: which session takes which, and the cells, all in one arena.

use std::io::Read;

use common::plan::files::facts::CELL_BYTES;
use common::plan::files::rows::each_row;
use common::plan::program::{DataSet, Order, RowsFile};

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
        let bytes: usize = data.rows.iter().flatten().map(String::len).sum();
        let mut arena = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(data.rows.len() * columns);
        for row in &data.rows {
            for column in 0..columns {
                arena.push_str(row.get(column).map_or("", String::as_str));
                // An arena holds at most 1 GiB.
                ends.push(u32::try_from(arena.len()).unwrap_or(u32::MAX));
            }
        }
        Self::of_cells(data, arena.into_boxed_str(), ends.into_boxed_slice(), data.rows.len() as u64, seed)
    }

    /// Reads the rows of a file. What is known of the file sets how much memory they take: a file that has more is not
    /// the one that was checked.
    ///
    /// # Errors
    /// Where the file cannot be read as rows, or has other ones than are known of it.
    pub fn of_file(data: &DataSet, file: &RowsFile, input: impl Read, seed: u64) -> Result<Self, String> {
        let columns = data.columns.len();
        let n_cells = file.facts.rows.saturating_mul(columns as u64);
        let bytes = file.facts.bytes.saturating_sub(n_cells.saturating_mul(CELL_BYTES));
        let count = |n: u64| usize::try_from(n).map_err(|_| "takes more memory than there is".to_owned());
        let (bytes, n_cells) = (count(bytes)?, count(n_cells)?);
        let mut arena = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(n_cells);
        let mut n_rows = 0;
        let names = each_row(input, file.format, &file.columns, &mut |_, row| {
            n_rows += 1;
            // Objects may bring columns later: this row is empty in those.
            for column in 0..columns {
                arena.push_str(row.get(column).copied().unwrap_or_default());
                ends.push(u32::try_from(arena.len()).unwrap_or(u32::MAX));
            }
            if arena.len() > bytes || ends.len() > n_cells {
                return Err("has other rows than were known when the test was created".to_owned());
            }
            Ok(())
        })?;
        if names != data.columns {
            return Err("has other columns than were known when the test was created".to_owned());
        }
        if n_rows != file.facts.rows {
            return Err(format!("has {n_rows} rows, and {} were known", file.facts.rows));
        }
        Ok(Self::of_cells(data, arena.into_boxed_str(), ends.into_boxed_slice(), n_rows, seed))
    }

    fn of_cells(data: &DataSet, arena: Box<str>, ends: Box<[u32]>, n_rows: u64, seed: u64) -> Self {
        let mut rows = Self {
            arena,
            ends,
            columns: data.columns.len(),
            n_rows,
            take: Take::Circular,
            seed,
            place: place_of("data").wrapping_add(place_of(&data.name)),
        };
        rows.take = match (data.order, data.weight) {
            (Order::Circular | Order::Once, _) => Take::Circular,
            (Order::Shuffle, _) => Take::Shuffle,
            (Order::Random, None) => Take::Random,
            (Order::Random, Some(weight)) => {
                let of = |row: usize| rows.cell(row, weight).trim().parse().unwrap_or(0.0);
                let n_rows = usize::try_from(n_rows).unwrap_or(0);
                Take::Weighted(AliasTable::new(&(0..n_rows).map(of).collect::<Vec<f64>>()))
            }
        };
        rows
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
            file: None,
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
