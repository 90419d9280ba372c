//! The line that stages draw: sessions per second, or users, over time. It begins at 0; each stage leads along its ramp
//! to its level and holds it. A ramp of no length is a jump. The area under a line of sessions per second is the number of
//! sessions that were due.

use common::plan::program::Stage;

use crate::pacer::nanos;
use crate::start_at::Nanos;

/// A part of a line, straight and of some length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub from: Nanos,
    pub to: Nanos,
    /// At `from`.
    pub begin: f64,
    /// Towards `to`.
    pub end: f64,
    /// Under the line before this piece.
    area_before: f64,
}

impl Piece {
    pub fn length(&self) -> f64 {
        (self.to - self.from) as f64
    }

    fn area(&self) -> f64 {
        (self.begin + self.end) / 2.0 * (self.length() / 1e9)
    }

    /// The height at an instant of this piece.
    pub fn level(&self, at: Nanos) -> f64 {
        if self.begin == self.end {
            return self.begin;
        }
        self.begin + (self.end - self.begin) * ((at - self.from) as f64 / self.length())
    }

    /// How long after `from` the area of this piece is so much; the piece has more than that.
    fn span_of(&self, area: f64) -> f64 {
        if self.begin == self.end {
            // As the pacer reckons: one interval after the other, each from the start.
            return area * (1e9 / self.begin);
        }
        // area = begin·t + slope·t²/2, solved so that nothing is lost where the line is nearly level.
        let slope = (self.end - self.begin) / self.length();
        let area = area * 1e9;
        let root = (self.begin * self.begin + 2.0 * slope * area).max(0.0).sqrt();
        let divisor = self.begin + root;
        if divisor > 0.0 { 2.0 * area / divisor } else { 0.0 }
    }
}

/// A line of straight pieces, from 0 to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pieces: Vec<Piece>,
    end: Nanos,
    area: f64,
}

impl Line {
    /// That of these stages, so many times as high.
    pub fn new(stages: &[Stage], times: f64) -> Self {
        let mut line = Self { pieces: Vec::with_capacity(2 * stages.len()), end: 0, area: 0.0 };
        let mut level = 0.0;
        for stage in stages {
            let next = stage.level * times;
            line.push(nanos(stage.ramp), level, next);
            line.push(nanos(stage.hold), next, next);
            level = next;
        }
        line
    }

    /// One level for so long.
    pub fn level(level: f64, length: Nanos) -> Self {
        let mut line = Self { pieces: Vec::with_capacity(1), end: 0, area: 0.0 };
        line.push(length, level, level);
        line
    }

    fn push(&mut self, length: Nanos, begin: f64, end: f64) {
        if length > 0 {
            let to = self.end.saturating_add(length);
            let piece = Piece { from: self.end, to, begin, end, area_before: self.area };
            self.area += piece.area();
            self.end = to;
            self.pieces.push(piece);
        }
    }

    /// Another level from an instant on, to the same end; after its end nothing changes.
    pub fn change(&mut self, at: Nanos, level: f64) {
        let at = at.max(0);
        if at >= self.end {
            return;
        }
        let end = self.end;
        self.pieces.retain(|piece| piece.from < at);
        (self.end, self.area) = (0, 0.0);
        if let Some(last) = self.pieces.last_mut() {
            if last.to > at {
                (last.to, last.end) = (at, last.level(at));
            }
            (self.end, self.area) = (last.to, last.area_before + last.area());
        }
        self.push(end - self.end, level, level);
    }

    /// When it ends.
    pub fn end(&self) -> Nanos {
        self.end
    }

    /// The area under all of it.
    pub fn area(&self) -> f64 {
        self.area
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The area under it up to an instant.
    pub fn area_before(&self, at: Nanos) -> f64 {
        let Some(piece) = self.pieces.iter().rev().find(|piece| piece.from < at) else { return 0.0 };
        if at >= piece.to {
            return piece.area_before + piece.area();
        }
        piece.area_before + (piece.begin + piece.level(at)) / 2.0 * ((at - piece.from) as f64 / 1e9)
    }

    /// The first instant at which the area under it exceeds `area`, to the nearest nanosecond. `None`: it never does.
    pub fn instant(&self, area: f64) -> Option<Nanos> {
        let bound = area + self.rounding();
        // Pieces with less area stand first, and a rate that was changed often has many.
        let before = self.pieces.partition_point(|piece| piece.area_before + piece.area() <= bound);
        let piece = self.pieces.get(before)?;
        let within = (area - piece.area_before).max(0.0);
        let after = piece.span_of(within).round().min(piece.length()) as Nanos;
        Some(piece.from + after)
    }

    /// Areas that differ by no more count as equal: sums of fractions are off in their last digits, and where a line ends at
    /// 0, that much area is a long time.
    pub fn rounding(&self) -> f64 {
        (self.area * 1e-14).max(1e-9)
    }
}
