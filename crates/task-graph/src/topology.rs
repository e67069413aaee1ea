//! Tasks in an order in which each comes after all that it waits for.

use std::collections::{BTreeMap, HashMap};

use crate::tasks::Fixed;
use crate::{Task, TaskId};

/// A set of tasks, sorted. Dependencies outside the set do not count.
pub(crate) struct Sorted<'a> {
    /// Each after all that it waits for.
    pub order: Vec<&'a Task>,
    /// Those that lie on a cycle or wait for one that does; each waits for at least one other of these.
    pub entangled: BTreeMap<&'a TaskId, &'a Task>,
}

/// Takes away, again and again, the tasks that wait for none of the rest (A. B. Kahn, *Topological sorting of large
/// networks*, CACM 5, 1962). No recursion: plans may be deep.
pub(crate) fn sort<'a>(tasks: impl Iterator<Item = &'a Task>) -> Sorted<'a> {
    let mut tasks: Vec<&Task> = tasks.collect();
    tasks.sort_by(|one, other| one.id.cmp(&other.id));
    tasks.dedup_by(|one, other| one.id == other.id);
    let places: HashMap<&TaskId, usize, Fixed> =
        tasks.iter().enumerate().map(|(place, task)| (&task.id, place)).collect();
    let mut open: Vec<usize> = vec![0; tasks.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (place, task) in tasks.iter().enumerate() {
        for before in task.after.iter().filter_map(|id| places.get(id)) {
            open[place] += 1;
            dependents[*before].push(place);
        }
    }
    let mut sorted: Vec<usize> = (0..tasks.len()).filter(|place| open[*place] == 0).collect();
    let mut next = 0;
    while let Some(place) = sorted.get(next).copied() {
        next += 1;
        for dependent in &dependents[place] {
            open[*dependent] -= 1;
            if open[*dependent] == 0 {
                sorted.push(*dependent);
            }
        }
    }
    let rest = tasks.iter().zip(&open).filter(|(_, open)| **open > 0);
    let entangled = rest.map(|(task, _)| (&task.id, *task)).collect();
    Sorted { order: sorted.into_iter().map(|place| tasks[place]).collect(), entangled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(text: &str) -> Task {
        let mut names = text.split_whitespace().map(TaskId::from);
        let id = names.next().unwrap();
        Task { after: names.collect(), ..Task::new(id, "r", "g") }
    }

    fn check(tasks: &[&str], order: &str, entangled: &str) {
        let tasks: Vec<Task> = tasks.iter().map(|text| task(text)).collect();
        let sorted = sort(tasks.iter());
        let names: Vec<&str> = sorted.order.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(names.join(" "), order);
        let rest: Vec<&str> = sorted.entangled.keys().map(|id| id.as_str()).collect();
        assert_eq!(rest.join(" "), entangled);
    }

    #[test]
    fn each_task_comes_after_what_it_waits_for() {
        check(&[], "", "");
        check(&["d b c", "c b", "b a", "a"], "a b c d", "");
        check(&["a c", "b", "c b b"], "b c a", "");
        check(&["a elsewhere", "b a"], "a b", "");
    }

    #[test]
    fn cycles_are_set_aside_with_what_waits_for_them() {
        check(&["a a"], "", "a");
        check(&["a b", "b a", "c a", "d"], "d", "a b c");
    }
}
