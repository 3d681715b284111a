//! Requests that are sent.

mod body;
mod call;
pub mod exchange;
mod failure;
mod inject;
mod layer;
mod recording;
mod resend;
mod settings;

pub use body::TracedBody;
pub use failure::{AsError, Boxed, Typed};
pub use layer::{ClientFuture, ClientLayer, ClientService};
pub use resend::{ResendLayer, ResendService, Resends};
pub use settings::{UrlDetail, UrlTemplate};

pub(super) use body::Watch;
pub(super) use call::without_brackets;
#[cfg(feature = "reqwest")]
pub(super) use call::{Call, Outgoing};
pub(super) use failure::{class_of, description};
pub(super) use inject::inject;
pub(super) use recording::{Recording, keys};
#[cfg(feature = "reqwest")]
pub(super) use settings::{Settings, client_settings};
pub(super) use settings::{Tells, plain_host};
