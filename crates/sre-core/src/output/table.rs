//! Aligned columns that fit the terminal.
//!
//! ```
//! use sre_core::output::{Column, Table};
//! let mut table = Table::new([Column::left("MOUNT").shrink_to(6), Column::right("USED")]);
//! table.push(["/", "16%"]);
//! table.push(["/var/lib/postgresql", "91%"]);
//! assert_eq!(table.to_string(), "\
//! MOUNT                USED
//! /                     16%
//! /var/lib/postgresql   91%
//! ");
//! assert_eq!(table.max_width(Some(16)).to_string(), "\
//! MOUNT       USED
//! /            16%
//! /var/lib/…   91%
//! ");
//! ```

use std::fmt;

use super::glyphs::Glyphs;
use super::width::{self, Align};

/// Spaces between two columns.
const GAP: usize = 2;

/// A column: its title, its side, and how narrow it may become.
#[derive(Debug, Clone)]
#[must_use]
pub struct Column {
    title: String,
    align: Align,
    least: Option<usize>,
}

/// Rows of text in columns. `Display` writes them, a line each, without trailing spaces.
///
/// Cells are cleaned of control characters, so that a row is always one line. Cells beyond the last column are
/// appended to it, so that nothing is lost.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    header: bool,
    indent: usize,
    max_width: Option<usize>,
    glyphs: Glyphs,
}

// === impl Column ===

impl Column {
    /// For names and text.
    pub fn left(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Left, least: None }
    }

    /// For numbers.
    pub fn right(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Right, least: None }
    }

    /// Lets the column be cut, but not below this many terminal columns. A column without this is never cut.
    pub fn shrink_to(mut self, least: usize) -> Self {
        self.least = Some(least);
        self
    }
}

// === impl Table ===

impl Table {
    /// A table without rows: header shown, no indent, any width, Unicode.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            header: true,
            indent: 0,
            max_width: None,
            glyphs: Glyphs::UNICODE,
        }
    }

    /// Whether the titles are shown.
    #[must_use]
    pub fn header(mut self, shown: bool) -> Self {
        self.header = shown;
        self
    }

    /// Spaces in front of each line.
    #[must_use]
    pub fn indent(mut self, spaces: usize) -> Self {
        self.indent = spaces;
        self
    }

    /// The width of the terminal, or `None` to never cut anything.
    #[must_use]
    pub fn max_width(mut self, columns: Option<usize>) -> Self {
        self.max_width = columns;
        self
    }

    /// Which symbols to use; only the ellipsis matters here.
    #[must_use]
    pub fn glyphs(mut self, glyphs: Glyphs) -> Self {
        self.glyphs = glyphs;
        self
    }

    /// Adds a row.
    pub fn push<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let mut row: Vec<String> = Vec::with_capacity(self.columns.len());
        for cell in cells {
            let cell = width::clean(cell.as_ref()).into_owned();
            let full = row.len() >= self.columns.len();
            match row.last_mut() {
                Some(last) if full => {
                    last.push(' ');
                    last.push_str(&cell);
                }
                _ => row.push(cell),
            }
        }
        self.rows.push(row);
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table to `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let widths = self.widths();
        if self.header {
            let titles: Vec<String> = self.columns.iter().map(|c| c.title.clone()).collect();
            self.write_row(out, &titles, &widths)?;
        }
        self.rows.iter().try_for_each(|row| self.write_row(out, row, &widths))
    }

    fn write_row(&self, out: &mut dyn fmt::Write, row: &[String], widths: &[usize]) -> fmt::Result {
        let mut line = " ".repeat(self.indent);
        for (i, (column, &columns)) in self.columns.iter().zip(widths).enumerate() {
            if i > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = row.get(i).map_or("", String::as_str);
            line.push_str(&width::pad(&width::truncate(cell, columns, self.glyphs), columns, column.align));
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> =
            self.columns.iter().map(|c| if self.header { width::of(&c.title) } else { 0 }).collect();
        for row in &self.rows {
            for (w, cell) in widths.iter_mut().zip(row) {
                *w = (*w).max(width::of(cell));
            }
        }
        if let Some(max) = self.max_width {
            self.shrink(&mut widths, max.saturating_sub(self.indent));
        }
        widths
    }

    /// Takes from the widest column that may still give, one terminal column at a time, until the row fits.
    fn shrink(&self, widths: &mut [usize], max: usize) {
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut total: usize = widths.iter().sum::<usize>() + gaps;
        while total > max {
            let gives = |i: &usize| self.columns[*i].least.is_some_and(|least| widths[*i] > least);
            let Some(widest) = (0..widths.len()).filter(gives).max_by_key(|i| widths[*i]) else { return };
            widths[widest] -= 1;
            total -= 1;
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_stay_aligned() {
        let mut t = Table::new([Column::left("A"), Column::left("B")]).indent(1);
        t.push(["日本", "x"]);
        t.push(["a\tb", "y"]);
        t.push(["only"]);
        t.push(["1", "2", "3"]);
        assert_eq!(t.to_string(), " A     B\n 日本  x\n a b   y\n only\n 1     2 3\n");
    }

    #[test]
    fn the_widest_column_gives_first_and_fixed_ones_never() {
        let mut t = Table::new([Column::left("").shrink_to(3), Column::right(""), Column::left("").shrink_to(2)])
            .header(false)
            .glyphs(Glyphs::ASCII);
        t.push(["aaaaaaaaaa", "12345", "bbbbbb"]);
        assert_eq!(t.clone().max_width(Some(19)).to_string(), "aaa..  12345  bbb..\n");
        assert_eq!(t.max_width(Some(1)).to_string(), "a..  12345  ..\n");
    }

    proptest::proptest! {
        #[test]
        fn rows_are_lines_and_fit(rows in proptest::collection::vec(("\\PC{0,30}|.{0,9}", "\\PC{0,30}"), 0..6), max in 8_usize..60) {
            let mut t = Table::new([Column::left("X").shrink_to(2), Column::right("Y").shrink_to(2)]);
            for (a, b) in &rows {
                t.push([a, b]);
            }
            let text = t.max_width(Some(max)).to_string();
            proptest::prop_assert_eq!(text.lines().count(), rows.len() + 1);
            for line in text.lines() {
                proptest::prop_assert!(width::of(line) <= max, "{line:?}");
            }
        }
    }
}
