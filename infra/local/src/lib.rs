//! The local stack: all of Hadar on this machine, with the AWS services it needs inside.
//!
//! [`Stack::start`] builds it from `template.yaml`: routes, queues, tables, event sources and schedules are what the
//! template says and nothing else. Tests start several in one process; the `hadar` binary starts one.

mod clock;
mod controls;
mod demo;
mod demo_env;
mod envelope;
mod front;
mod functions;
mod invocations;
mod options;
mod provision;
mod ready;
mod resources;
pub mod route;
pub mod screen;
mod simulated;
mod source;
mod stack;
pub mod template;
mod waited;

pub use controls::{Depth, Status, SweepReport};
pub use embedded_aws::faults::{Action, Rule, Service};
pub use embedded_aws::{Calls, Faults, StackClock};
pub use options::{Options, StartError};
pub use ready::{DemoDialog360, DemoKeys, DemoMeta, DemoTenant, DemoUltramsg, Ready};
pub use simulator::{Account, Provider as SimulatedProvider, Simulator};
pub use stack::Stack;
