//! Traces that go on from Prefect's flow runs, and into them.
