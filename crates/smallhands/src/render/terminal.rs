//! Live progress on a terminal: what has happened scrolls by, what is going on is redrawn in place below it.
//!
//! Only three things are asked of the terminal: moving the cursor up, erasing downwards, and colours. The cursor always rests
//! under the picture and nothing is hidden or switched, so that even a killed process leaves a usable terminal.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use smallhands_orchestrator::progress::{Progress, Verdict};

use super::board::Board;
use super::fit::cut;
use super::{Renderer, wording};

/// Redrawing more often than ten times a second shows nothing more.
const REDRAW_EVERY: Duration = Duration::from_millis(100);
const FALLBACK_SIZE: (usize, usize) = (80, 24);

/// Columns and rows of the terminal behind standard output.
pub fn size_of_stdout() -> (usize, usize) {
    let size = terminal_size::terminal_size();
    size.map_or(FALLBACK_SIZE, |(width, height)| (usize::from(width.0), usize::from(height.0)))
}

/// The live view.
pub struct Live<W> {
    out: W,
    size: fn() -> (usize, usize),
    colour: bool,
    board: Board,
    /// Lines that wait to scroll by with the next redraw.
    scrolling: Vec<String>,
    /// Lines of the picture on the screen.
    drawn: usize,
    last_drawn: Option<Instant>,
    finished: bool,
}

impl<W: Write> Live<W> {
    /// A view that starts now; `size` is asked before every redraw.
    pub fn new(out: W, size: fn() -> (usize, usize), colour: bool, now: Instant) -> Self {
        let board = Board::new(now);
        Self { out, size, colour, board, scrolling: Vec::new(), drawn: 0, last_drawn: None, finished: false }
    }

    /// Writes what scrolls by, then the picture, in one piece.
    fn redraw(&mut self, now: Instant) -> io::Result<()> {
        let (columns, rows) = (self.size)();
        // One column stays free: a character in the last one makes some terminals wrap.
        let picture = self.board.draw(now, columns.saturating_sub(1), rows.saturating_sub(1));
        let mut text = self.erased();
        for line in self.scrolling.drain(..) {
            text.push_str(&line);
            text.push('\n');
        }
        for line in &picture {
            text.push_str(&painted(line, Paint::Dim, self.colour));
            text.push('\n');
        }
        self.drawn = picture.len();
        self.last_drawn = Some(now);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// The sequence that removes the picture from the screen.
    fn erased(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\r\x1b[J", self.drawn) }
    }

    fn scroll(&mut self, event: &Progress) {
        let columns = (self.size)().0.saturating_sub(1);
        let shown = match event {
            // The picture shows these better than lines that scroll by.
            Progress::TaskChanged { .. }
            | Progress::AttemptStarted { .. }
            | Progress::AttemptFinished { .. } => vec![],
            Progress::PlanChanged { reason, .. } => vec![cut(&format!("plan: {reason}"), columns)],
            Progress::RunFinished(_) => wording::lines(event), // paths must stay whole
            event => wording::lines(event).iter().map(|line| cut(line, columns)).collect(),
        };
        let paint = paint_of(event);
        let colour = self.colour;
        self.scrolling.extend(shown.iter().enumerate().map(|(index, line)| match index {
            0 => painted(line, paint, colour),
            _ => line.clone(),
        }));
    }
}

impl<W: Write + Send> Renderer for Live<W> {
    fn event(&mut self, event: &Progress, now: Instant) -> io::Result<()> {
        self.board.note(event, now);
        self.scroll(event);
        self.finished |= matches!(event, Progress::RunFinished(_));
        self.tick(now)
    }

    fn tick(&mut self, now: Instant) -> io::Result<()> {
        let due = self.last_drawn.is_none_or(|last| now.saturating_duration_since(last) >= REDRAW_EVERY);
        if due && !self.finished { self.redraw(now) } else { Ok(()) }
    }

    fn close(&mut self) -> io::Result<()> {
        let mut text = self.erased();
        for line in self.scrolling.drain(..) {
            text.push_str(&line);
            text.push('\n');
        }
        self.drawn = 0;
        self.finished = true;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    None,
    Dim,
    Good,
    Doubtful,
    Bad,
}

fn paint_of(event: &Progress) -> Paint {
    match event {
        Progress::PatchMerged { .. } => Paint::Good,
        Progress::Warning { .. } => Paint::Doubtful,
        Progress::RunFinished(summary) => match summary.verdict {
            Verdict::Verified => Paint::Good,
            Verdict::Unverified => Paint::Doubtful,
            Verdict::Failed => Paint::Bad,
        },
        _ => Paint::None,
    }
}

fn painted(line: &str, paint: Paint, colour: bool) -> String {
    let code = match paint {
        Paint::None => return line.to_owned(),
        Paint::Dim => 2,
        Paint::Good => 32,
        Paint::Doubtful => 33,
        Paint::Bad => 31,
    };
    if colour { format!("\x1b[{code}m{line}\x1b[0m") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// What a terminal shows after the given output: a screen that knows newlines, cursor-up and erase-below.
    fn screen(output: &str) -> Vec<String> {
        let mut lines: Vec<String> = vec![String::new()];
        let mut row = 0;
        let mut rest = output;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\x1b' => {
                    let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    match &rest[end..=end] {
                        "A" => row -= rest[1..end].parse::<usize>().unwrap(),
                        "J" => {
                            lines.truncate(row + 1);
                            lines[row].clear();
                        }
                        _ => {}
                    }
                    rest = &rest[end + 1..];
                }
                '\r' => {}
                '\n' => {
                    row += 1;
                    lines.resize(lines.len().max(row + 1), String::new());
                }
                c => lines[row].push(c),
            }
        }
        lines.into_iter().filter(|line| !line.is_empty()).collect()
    }

    fn shown(act: impl FnOnce(&mut Live<&mut Vec<u8>>, Instant)) -> String {
        let start = Instant::now();
        let mut out = Vec::new();
        act(&mut Live::new(&mut out, || (60, 20), false, start), start);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_picture_is_redrawn_in_place_below_what_scrolls_by() {
        let output = shown(|live, start| {
            live.event(&samples::began("t1#1"), start).unwrap();
            let warning = Progress::Warning { message: "take care".into() };
            live.event(&warning, start + Duration::from_millis(150)).unwrap();
            live.tick(start + Duration::from_millis(300)).unwrap();
        });
        let screen = screen(&output);
        assert_eq!(screen.len(), 3, "{screen:?}");
        assert_eq!(screen[0], "warning: take care");
        assert!(screen[1].starts_with("300ms · 0/0 tasks done · 1 agents"), "{screen:?}");
        assert!(screen[2].starts_with("  t1#1"), "{screen:?}");
    }

    #[test]
    fn it_is_drawn_ten_times_a_second_at_most() {
        let output = shown(|live, start| {
            for millisecond in 0..1_000 {
                let event = samples::doing("t1#1", "busy", millisecond);
                live.event(&event, start + Duration::from_millis(millisecond)).unwrap();
            }
        });
        assert_eq!(output.matches("tasks done").count(), 10);
    }

    #[test]
    fn after_the_end_only_the_result_is_left() {
        let output = shown(|live, start| {
            for (index, event) in samples::one_of_each().iter().enumerate() {
                live.event(event, start + Duration::from_millis(200 * index as u64)).unwrap();
            }
            live.close().unwrap();
            live.close().unwrap();
        });
        let screen = screen(&output);
        assert_eq!(screen[0], "run r1: make the failing checks pass");
        assert!(screen.last().unwrap().starts_with("Passing the checks"), "{screen:?}");
        assert!(!screen.iter().any(|line| line.contains("agents at work")), "{screen:?}");
        assert!(screen.contains(&"patch:   /state/runs/r1/result.patch".to_owned()));
    }

    #[test]
    fn no_line_reaches_the_last_column() {
        let output = shown(|live, start| {
            let message = "long ".repeat(40);
            live.event(&Progress::Warning { message }, start).unwrap();
            live.event(&samples::began("t1#1"), start + Duration::from_secs(1)).unwrap();
        });
        assert!(screen(&output).iter().all(|line| super::super::fit::width(line) < 60));
    }

    #[test]
    fn colours_are_left_out_when_unwelcome() {
        assert_eq!(painted("x", Paint::Bad, false), "x");
        assert_eq!(painted("x", Paint::Bad, true), "\x1b[31mx\x1b[0m");
        assert_eq!(painted("x", Paint::None, true), "x");
    }
}
