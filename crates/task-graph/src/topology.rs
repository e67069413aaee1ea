//! Tasks in an order in which each comes after all that it waits for.

use std::collections::BTreeMap;

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
    let mut entangled: BTreeMap<&TaskId, &Task> = tasks.map(|task| (&task.id, task)).collect();
    let mut open: BTreeMap<&TaskId, usize> = BTreeMap::new();
    let mut dependents: BTreeMap<&TaskId, Vec<&Task>> = BTreeMap::new();
    for task in entangled.values() {
        let inside = task.after.iter().filter(|id| entangled.contains_key(*id));
        open.insert(&task.id, inside.clone().count());
        inside.for_each(|id| dependents.entry(id).or_default().push(task));
    }
    let mut order: Vec<&Task> =
        entangled.values().copied().filter(|task| open.get(&task.id) == Some(&0)).collect();
    let mut next = 0;
    while let Some(task) = order.get(next).copied() {
        next += 1;
        entangled.remove(&task.id);
        for dependent in dependents.get(&task.id).into_iter().flatten() {
            let Some(count) = open.get_mut(&dependent.id) else { continue };
            *count -= 1;
            if *count == 0 {
                order.push(dependent);
            }
        }
    }
    Sorted { order, entangled }
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
