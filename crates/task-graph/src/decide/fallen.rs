//! Which tasks can never start because of what happens: those that need a task to be done which will not be, and those
//! that need them.

use std::collections::{BTreeMap, BTreeSet};

use crate::agenda::Slot;
use crate::schedule::blamed;
use crate::{Needs, RunEvent, RunState, Task, TaskId, TaskPhase};

/// The waiting tasks that fall when the tasks in `undone` settle without being done, `added` ones included, and those that
/// should have fallen already because their log was cut before it said so. Each comes after the one to blame. Takes time
/// for what falls and for what is added, not for what is there.
///
/// Tasks of `added` that are in `dropped` do not fall: they are gone already.
pub(crate) fn fallen(state: &RunState, undone: &[Slot], added: &[Task], dropped: &[TaskId]) -> Vec<RunEvent> {
    let gone = added.iter().map(|task| &task.id).filter(|id| dropped.contains(id));
    let known = undone.iter().filter_map(|slot| state.tasks.id_at(*slot)).chain(gone).collect();
    let mut falling = Falling { state, known, order: Vec::new() };
    falling.take_overdue();
    for slot in undone {
        falling.take_dependents_of(*slot);
    }
    falling.take_added(added);
    falling.follow(added);
    let events = falling.order.into_iter();
    events.map(|(task, because)| RunEvent::TaskUnreachable { task: task.clone(), because }).collect()
}

/// Tasks that fall, found one after the other.
struct Falling<'a> {
    state: &'a RunState,
    known: BTreeSet<&'a TaskId>,
    /// Each with the one to blame.
    order: Vec<(&'a TaskId, TaskId)>,
}

impl<'a> Falling<'a> {
    fn take(&mut self, task: &'a TaskId, because: TaskId) {
        if self.known.insert(task) {
            self.order.push((task, because));
        }
    }

    fn take_overdue(&mut self) {
        let state = self.state;
        for task in state.tasks.agenda().fallen().iter().filter_map(|slot| state.tasks.at(*slot)) {
            let because = blamed(&task.task, &|id| state.tasks.get(id).map(|task| task.phase));
            because.into_iter().for_each(|because| self.take(&task.task.id, because));
        }
    }

    fn take_dependents_of(&mut self, slot: Slot) {
        let state = self.state;
        let agenda = state.tasks.agenda();
        let (Some(node), Some(because)) = (agenda.node(slot), state.tasks.id_at(slot)) else { return };
        let falls = |slot: &&Slot| agenda.node(**slot).is_some_and(|node| node.falls_with());
        for id in node.dependents.iter().filter(falls).filter_map(|slot| state.tasks.id_at(*slot)) {
            self.take(id, because.clone());
        }
    }

    /// Added tasks that need what is not done already, or falls or is dropped with the same change.
    fn take_added(&mut self, added: &'a [Task]) {
        let new: BTreeSet<&TaskId> = added.iter().map(|task| &task.id).collect();
        for task in added {
            let because = blamed(task, &|id| match self.state.tasks.get(id) {
                _ if self.known.contains(id) => Some(TaskPhase::Dropped),
                Some(there) => Some(there.phase),
                None => new.contains(id).then_some(TaskPhase::Waiting),
            });
            if let Some(because) = because {
                self.take(&task.id, because);
            }
        }
    }

    /// Those that need what falls fall as well.
    fn follow(&mut self, added: &'a [Task]) {
        let mut needed_by: BTreeMap<&TaskId, Vec<&'a TaskId>> = BTreeMap::new();
        for task in added.iter().filter(|task| task.needs == Needs::AllDone) {
            task.after.iter().for_each(|id| needed_by.entry(id).or_default().push(&task.id));
        }
        let mut next = 0;
        while let Some(because) = self.order.get(next).map(|(task, _)| *task) {
            next += 1;
            if let Some(slot) = self.state.tasks.slot(because) {
                self.take_dependents_of(slot);
            }
            for task in needed_by.get(because).into_iter().flatten() {
                self.take(task, because.clone());
            }
        }
    }
}
