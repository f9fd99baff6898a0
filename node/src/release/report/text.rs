//! The report for a terminal or a plain file, at most 80 characters wide.

use super::{Block, Report, Section};

const WIDTH: usize = 80;
/// Widest first column of a table.
const FIRST: usize = 60;

impl Report {
    /// Plain text, UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        plain(&self.title, &self.sections)
    }
}

/// Sections as plain text, UTF-8.
pub(crate) fn plain(title: &str, sections: &[Section]) -> String {
    let mut text = format!("{title}\n{}\n", "=".repeat(title.chars().count()));
    for (number, section) in sections.iter().enumerate() {
        let heading = format!("{}. {}", number + 1, section.title);
        let line = "-".repeat(heading.chars().count());
        text.push_str(&format!("\n\n{heading}\n{line}\n"));
        for block in &section.blocks {
            text.push('\n');
            write(&mut text, block);
        }
    }
    text
}

fn write(text: &mut String, block: &Block) {
    match block {
        Block::Text(words) => hanging(text, "", "", words),
        Block::List(points) => {
            for point in points {
                hanging(text, "- ", "  ", point);
            }
        }
        Block::Facts(facts) => {
            for (key, value) in facts {
                hanging(text, &format!("{key}: "), "    ", value);
            }
        }
        Block::Table {
            columns,
            rows,
            numeric,
            ..
        } if *numeric >= columns.len() => {
            for row in rows {
                let (head, rest) = row
                    .split_first()
                    .map_or(("", &[][..]), |(h, r)| (h.as_str(), r));
                hanging(text, "* ", "  ", &format!("{head} ({})", rest.join("; ")));
            }
        }
        Block::Table { columns, rows, .. } => table(text, columns, rows),
        Block::Blanks(lines) => {
            for line in lines {
                hanging(text, "", "", &format!("{line}:"));
                text.push_str(&format!("\n{}\n\n", "_".repeat(WIDTH)));
            }
        }
    }
}

/// Words in lines of the width; the first begins with `first`, the others with `rest`.
fn hanging(text: &mut String, first: &str, rest: &str, words: &str) {
    let mut line = first.to_owned();
    let mut has_word = false;
    for word in words.split_whitespace() {
        let length = line.chars().count() + usize::from(has_word) + word.chars().count();
        if has_word && length > WIDTH {
            text.push_str(&line);
            text.push('\n');
            rest.clone_into(&mut line);
            has_word = false;
        }
        if has_word {
            line.push(' ');
        }
        line.push_str(word);
        has_word = true;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Rows whose cells do not fit beside each other have each further cell on a line of its own, after its heading.
fn table(text: &mut String, columns: &[String], rows: &[Vec<String>]) {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let longest = cells
            .chain(columns.get(at))
            .map(|c| c.chars().count())
            .max();
        longest.unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let first = widths.first().copied().unwrap_or(0);
    if first > FIRST || widths.iter().map(|w| w + 2).sum::<usize>() > WIDTH + 2 {
        for row in rows {
            let mut cells = row.iter().zip(columns);
            if let Some((head, _)) = cells.next() {
                hanging(text, "* ", "  ", head);
            }
            for (cell, column) in cells {
                hanging(text, &format!("    {column}: "), "        ", cell);
            }
        }
        return;
    }
    for row in std::iter::once(&columns.to_vec()).chain(rows) {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            if at == 0 {
                line.push_str(&format!("{cell}{pad}"));
            } else {
                line.push_str(&format!("  {pad}{cell}"));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
