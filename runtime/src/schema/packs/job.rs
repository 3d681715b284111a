// Made by `cargo xtask packs` of registry/packs/job.yaml.

//! Background jobs.

crate::attribute_group! {
    /// Which job an operation belongs to.
    pub Context = "job.context" {
        /// Which attempt this is; the first is 1.
        job.attempt: int unit "{attempt}" examples [1];
        /// Identifies the run of the job.
        job.id: string examples ["7f3c2a"];
        /// Name of the job, the same in every run.
        job.name: string examples ["refresh_prices"];
        /// Queue the job waited in.
        job.queue: string examples ["reports"];
    }
}

crate::span_schema! {
    /// One attempt at a background job.
    pub Run = "job.run" {
        name = "job {job.name}";
        undeclared = allow;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the job failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Which attempt this is; the first is 1.
        job.attempt: int unit "{attempt}" examples [1];
        /// Identifies the run of the job.
        job.id: string examples ["7f3c2a"];
        /// Attempts that are made at most.
        job.max_attempts: int unit "{attempt}" examples [5];
        /// Name of the job, the same in every run.
        job.name: string required examples ["refresh_prices"];
        /// Queue the job waited in.
        job.queue: string examples ["reports"];
        /// When the job runs, as its scheduler writes it.
        job.schedule: string recommended_if "if a clock starts the job" examples ["0 3 * * *"];
        /// What started the job.
        job.trigger: JobTrigger;
        /// Time between being due and being started.
        job.wait_time: double unit "s" examples [0.8];
    }
}

crate::event_schema! {
    /// A job is given up after its last attempt.
    pub Abandoned = "job.abandoned" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// Which attempt this is; the first is 1.
        job.attempt: int unit "{attempt}" examples [1];
        /// Identifies the run of the job.
        job.id: string examples ["7f3c2a"];
        /// Name of the job, the same in every run.
        job.name: string required examples ["refresh_prices"];
    }
}

crate::event_schema! {
    /// A job is put into a queue.
    pub Enqueued = "job.enqueued" {
        undeclared = allow;
        /// Identifies the run of the job.
        job.id: string examples ["7f3c2a"];
        /// Name of the job, the same in every run.
        job.name: string required examples ["refresh_prices"];
        /// Queue the job waited in.
        job.queue: string examples ["reports"];
    }
}

/// What started the job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum JobTrigger {
    /// A clock.
    Schedule,
    /// Something that happened.
    Event,
    /// A person.
    Manual,
    /// An attempt that failed.
    Retry,
    /// Any other value.
    #[attribute(other)]
    Other(String),
}
