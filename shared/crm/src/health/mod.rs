//! How numbers stand with their customers: what is told about them is kept, a sustained bad rating makes a number send
//! conservatively, and what waited for a better time goes when it comes.

mod gate;
mod hear;
mod opt_outs;
mod settle;
mod sweep;
mod view;

pub(crate) use gate::{Gate, gate, hold, limit_frees_at};
pub(crate) use hear::{Heard, hear, hear_failure, hear_or_warn, report};
pub(crate) use opt_outs::{count_opt_out, count_sent, has_opted_out};
pub use sweep::{SweptNumbers, sweep};
pub(crate) use view::Views;
pub use view::{HealthView, LimitView, OptOutView};

use domain::provider::Provider;

/// Whether a provider rates its numbers and limits whom they may write to first.
pub(crate) const fn is_rated(provider: Provider) -> bool {
    match provider {
        Provider::Meta | Provider::Dialog360 => true,
        Provider::Ultramsg | Provider::Sandbox => false,
    }
}
