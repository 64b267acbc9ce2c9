//! Progress of one stage: status, share done, seconds, time left.

/// Where a stage stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageStatus {
    /// Not begun.
    #[default]
    Waiting,
    /// At work, or paused with the run.
    Running,
    /// Complete.
    Finished,
    /// Ended before its end.
    Stopped,
    /// Ended by an error.
    Failed,
}

/// Progress of one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageState {
    /// Where it stands.
    pub status: StageStatus,
    /// Steps or units done.
    pub done: u64,
    /// Steps or units in all; 0 while unknown.
    pub total: u64,
    /// What is being done, for example "fitting level 2".
    pub doing: String,
    /// Units done and in all of what is being done, between training steps.
    pub part: Option<(u64, u64)>,
    /// Seconds of the parts already finished, over all processes.
    pub seconds: f64,
    /// Milliseconds since 1970 at which the clock last started, and what was done then.
    clock: Option<(u64, u64)>,
    /// Milliseconds since 1970 of the newest progress.
    newest_millis: u64,
    /// Training steps of the whole stage, as announced at its start.
    total_steps: u64,
    /// Whether a training step has been seen since the start.
    has_steps: bool,
}

impl StageState {
    /// Share done, 0 to 1.
    pub fn fraction(&self) -> f32 {
        match self.status {
            StageStatus::Finished => 1.0,
            _ if self.total == 0 => 0.0,
            _ => (self.done as f32 / self.total as f32).clamp(0.0, 1.0),
        }
    }

    /// Seconds of work so far.
    pub fn elapsed_seconds(&self) -> f64 {
        let running = match (self.status, self.clock) {
            (StageStatus::Running, Some((start, _))) => {
                self.newest_millis.saturating_sub(start) as f64 / 1000.0
            }
            _ => 0.0,
        };
        self.seconds + running
    }

    /// Seconds left at the present pace; `None` until the pace is known.
    pub fn eta_seconds(&self) -> Option<f64> {
        let (start, first) = self.clock?;
        let did = self.done.checked_sub(first)?;
        let least = (self.total / 50).clamp(1, 20);
        if self.status != StageStatus::Running || did < least {
            return None;
        }
        let seconds = self.newest_millis.saturating_sub(start) as f64 / 1000.0;
        Some(seconds / did as f64 * self.total.saturating_sub(self.done) as f64)
    }

    pub(super) fn start(&mut self, first_step: u64, total_steps: u64, now: u64) {
        self.status = StageStatus::Running;
        self.done = first_step;
        self.total = total_steps;
        self.total_steps = total_steps;
        self.has_steps = false;
        self.part = None;
        self.doing.clear();
        self.restart_clock(now);
    }

    pub(super) fn restart_clock(&mut self, now: u64) {
        self.seconds = self.elapsed_seconds();
        self.clock = Some((now, self.done));
        self.newest_millis = now;
    }

    /// Units are the progress of a stage without training steps. Once steps have been seen,
    /// units only say how far a part between two steps is.
    pub(super) fn progress(&mut self, done: u64, total: u64, doing: &str, now: u64) {
        let is_new_part = self.doing != doing;
        if is_new_part {
            doing.clone_into(&mut self.doing);
        }
        self.part = Some((done, total));
        self.newest_millis = now;
        if !self.has_steps {
            if is_new_part || total != self.total {
                self.seconds = self.elapsed_seconds();
                self.clock = Some((now, done));
            }
            self.done = done;
            self.total = total;
        }
    }

    pub(super) fn step(&mut self, step: u64, now: u64) {
        if !self.has_steps {
            self.has_steps = true;
            self.total = self.total_steps;
            self.done = step;
            self.restart_clock(now);
        }
        self.done = step;
        self.part = None;
        self.newest_millis = now;
    }

    pub(super) fn finish(&mut self, seconds: f64) {
        // The engine's figure covers this process only, ours covers all of them.
        self.seconds = self.elapsed_seconds().max(seconds);
        self.status = StageStatus::Finished;
        self.clock = None;
        self.done = self.total;
        self.part = None;
        self.doing.clear();
    }

    pub(super) fn interrupt(&mut self, status: StageStatus) {
        if self.status == StageStatus::Running {
            self.seconds = self.elapsed_seconds();
            self.clock = None;
            self.status = status;
        }
    }
}
