//! Every task of a run: found by name, listed by name or in the order of adoption, with the [`Agenda`] always up to date.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::ops::Index;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::agenda::{Agenda, Slot};
use crate::{Task, TaskId, TaskPhase, TaskState, TaskStep};

/// Hashing without a seed of chance. Nothing here depends on the order of a map that is hashed.
pub(crate) type Fixed = BuildHasherDefault<DefaultHasher>;

/// The tasks of a run. Like a map from names to tasks, in the order of names; only [`crate::evolve`] changes it.
#[derive(Clone, Default)]
pub struct Tasks {
    states: Vec<TaskState>,
    slots: HashMap<TaskId, Slot, Fixed>,
    names: BTreeMap<TaskId, Slot>,
    agenda: Agenda,
}

impl Tasks {
    /// The task of this name, in whatever phase.
    pub fn get(&self, id: &TaskId) -> Option<&TaskState> {
        self.states.get(*self.slots.get(id)? as usize)
    }

    /// Whether there is a task of this name.
    pub fn contains_key(&self, id: &TaskId) -> bool {
        self.slots.contains_key(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Names and tasks, in the order of names.
    pub fn iter(&self) -> Iter<'_> {
        Iter { names: self.names.iter(), states: &self.states }
    }

    /// The names, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &TaskId> + ExactSizeIterator {
        self.names.keys()
    }

    /// The tasks, in the order of names.
    pub fn values(&self) -> impl Iterator<Item = &TaskState> {
        self.iter().map(|(_, task)| task)
    }

    /// The tasks, in the order in which they were adopted.
    pub fn in_order(&self) -> &[TaskState] {
        &self.states
    }

    pub(crate) fn agenda(&self) -> &Agenda {
        &self.agenda
    }

    pub(crate) fn slot(&self, id: &TaskId) -> Option<Slot> {
        self.slots.get(id).copied()
    }

    pub(crate) fn at(&self, slot: Slot) -> Option<&TaskState> {
        self.states.get(slot as usize)
    }

    pub(crate) fn id_at(&self, slot: Slot) -> Option<&TaskId> {
        self.at(slot).map(|state| &state.task.id)
    }

    /// Everything about a task but its phase and its time may be changed through this.
    pub(crate) fn at_mut(&mut self, slot: Slot) -> Option<&mut TaskState> {
        self.states.get_mut(slot as usize)
    }

    /// Takes in new tasks, all of them waiting.
    pub(crate) fn add(&mut self, tasks: &[Task]) {
        let first = self.states.len();
        for task in tasks {
            let slot = self.agenda.add(task);
            self.slots.insert(task.id.clone(), slot);
            self.names.insert(task.id.clone(), slot);
            self.states.push(TaskState::planned(task.clone(), u64::from(slot)));
        }
        self.link(first);
    }

    fn link(&mut self, first: usize) {
        let slots = |task: &TaskState| task.task.after.iter().map(|id| self.slots.get(id).copied()).collect();
        let before: Vec<Vec<Option<Slot>>> = self.states[first..].iter().map(slots).collect();
        self.agenda.link(first as Slot, before);
    }

    /// Lets a task take a step; `None` where its table has no such step.
    pub(crate) fn step(&mut self, slot: Slot, step: TaskStep) -> Option<TaskPhase> {
        let state = self.states.get_mut(slot as usize)?;
        let phase = state.phase.after(step)?;
        state.phase = phase;
        if phase == TaskPhase::Running {
            state.not_before_ms = None;
        }
        self.agenda.step(slot, phase, state.expected_end_ms());
        Some(phase)
    }

    /// Lets a waiting task wait for a time.
    pub(crate) fn delay(&mut self, slot: Slot, not_before_ms: i64) {
        if let Some(state) = self.states.get_mut(slot as usize) {
            state.not_before_ms = Some(not_before_ms);
            self.agenda.delay(slot, Some(not_before_ms));
        }
    }

    /// Time has come so far.
    pub(crate) fn wake(&mut self, at_ms: i64) {
        self.agenda.wake(at_ms);
    }

    /// Tasks whose places in the order of adoption are known, from outside.
    fn from_states(mut states: Vec<TaskState>) -> Self {
        states.sort_by_key(|state| state.order);
        let mut tasks = Self::default();
        for state in &states {
            let slot = tasks.agenda.add(&state.task);
            tasks.slots.insert(state.task.id.clone(), slot);
            tasks.names.insert(state.task.id.clone(), slot);
        }
        tasks.states = states;
        tasks.link(0);
        for slot in 0..tasks.states.len() {
            let state = &tasks.states[slot];
            if state.not_before_ms.is_some() && state.phase == TaskPhase::Waiting {
                tasks.agenda.delay(slot as Slot, state.not_before_ms);
            }
            tasks.agenda.step(slot as Slot, state.phase, state.expected_end_ms());
        }
        tasks
    }
}

/// Names and tasks, in the order of names.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    names: std::collections::btree_map::Iter<'a, TaskId, Slot>,
    states: &'a [TaskState],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a TaskId, &'a TaskState);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, slot) = self.names.next()?;
        Some((name, self.states.get(*slot as usize)?))
    }
}

impl<'a> IntoIterator for &'a Tasks {
    type Item = (&'a TaskId, &'a TaskState);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Index<&TaskId> for Tasks {
    type Output = TaskState;

    /// # Panics
    /// When there is no task of this name, like every map.
    fn index(&self, id: &TaskId) -> &TaskState {
        &self.states[self.slots[id] as usize]
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl PartialEq for Tasks {
    fn eq(&self, other: &Self) -> bool {
        self.states == other.states
    }
}

impl Serialize for Tasks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Tasks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_name = BTreeMap::<TaskId, TaskState>::deserialize(deserializer)?;
        Ok(Self::from_states(by_name.into_values().collect()))
    }
}
