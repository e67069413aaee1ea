//! Whole schedules: which task runs where and when. Made before anything runs, from estimates.

use super::workload::Workload;

/// Where and when one task runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Booking {
    pub worker: usize,
    pub start: u64,
    pub end: u64,
}

/// A schedule of a whole workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Timetable {
    pub bookings: Vec<Booking>,
    pub makespan: u64,
}

/// What a worker has to do, in the order of time.
#[derive(Default, Clone)]
struct Calendar {
    busy: Vec<(u64, u64)>,
}

impl Calendar {
    /// The first gap from `ready` on that is long enough (the insertion of HEFT).
    fn gap(&self, ready: u64, duration: u64) -> u64 {
        let mut at = ready;
        let first = self.busy.partition_point(|(_, end)| *end <= ready);
        for (start, end) in &self.busy[first..] {
            if at + duration <= *start {
                return at;
            }
            at = at.max(*end);
        }
        at
    }

    fn book(&mut self, start: u64, end: u64) {
        let place = self.busy.partition_point(|(other, _)| *other < start);
        self.busy.insert(place, (start, end));
    }
}

/// Places tasks one by one, those of higher priority first, each on its `fixed` worker or else where it is over first. A task
/// comes after those it waits for, whatever the priorities say.
pub(super) fn place(load: &Workload, priority: &[f64], fixed: &[Option<usize>]) -> Timetable {
    let workers = load.durations.first().map_or(0, Vec::len);
    let mut calendars = vec![Calendar::default(); workers];
    let mut bookings = vec![Booking::default(); load.len()];
    let mut makespan = 0;
    for task in sequence(load, priority) {
        let ready = load.before[task].iter().map(|id| bookings[*id].end).max().unwrap_or(0);
        let offer = |worker: usize| {
            let duration = load.durations[task][worker];
            let start = calendars[worker].gap(ready, duration);
            Booking { worker, start, end: start + duration }
        };
        let best = match fixed.get(task).copied().flatten() {
            Some(worker) => Some(offer(worker)),
            None => {
                (0..workers).map(offer).min_by_key(|booking| (booking.end, std::cmp::Reverse(booking.start)))
            }
        };
        let Some(booking) = best else { break };
        calendars[booking.worker].book(booking.start, booking.end);
        bookings[task] = booking;
        makespan = makespan.max(booking.end);
    }
    Timetable { bookings, makespan }
}

/// The tasks in an order in which each comes after those it waits for, otherwise by priority, then by number.
pub(super) fn sequence(load: &Workload, priority: &[f64]) -> Vec<usize> {
    let mut open: Vec<usize> = load.before.iter().map(Vec::len).collect();
    let mut ready: std::collections::BinaryHeap<Ready> = (0..load.len())
        .filter(|task| open[*task] == 0)
        .map(|task| Ready { priority: priority[task], task })
        .collect();
    let mut sequence = Vec::with_capacity(load.len());
    while let Some(Ready { task, .. }) = ready.pop() {
        sequence.push(task);
        for after in &load.dependents[task] {
            open[*after] -= 1;
            if open[*after] == 0 {
                ready.push(Ready { priority: priority[*after], task: *after });
            }
        }
    }
    sequence
}

/// A task that may be placed.
#[derive(PartialEq)]
struct Ready {
    priority: f64,
    task: usize,
}

impl Eq for Ready {}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.priority.total_cmp(&other.priority).then(other.task.cmp(&self.task))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
