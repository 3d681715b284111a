//! The source code that is compiled: many small functions, annotated in one way.

use std::fmt::Write;

/// Who annotates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Nobody.
    Plain,
    Otelier,
    Tracing,
}

/// What is annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Sync,
    /// With a fourth attribute, recorded in the body.
    SyncLate,
    /// Returns a `Result`. Tracing gets `err`, to record errors as otelier does without being asked.
    SyncResult,
    Async,
    AsyncLate,
    AsyncResult,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Otelier, Self::Tracing];

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Otelier => "otelier",
            Self::Tracing => "tracing",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Plain => "no annotation",
            Self::Otelier => "`#[otelier::trace]`",
            Self::Tracing => "`#[tracing::instrument]`",
        }
    }
}

impl Shape {
    pub(crate) const ALL: [Self; 6] =
        [Self::Sync, Self::SyncLate, Self::SyncResult, Self::Async, Self::AsyncLate, Self::AsyncResult];

    fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::SyncLate => "sync_late",
            Self::SyncResult => "sync_result",
            Self::Async => "async",
            Self::AsyncResult => "async_result",
            Self::AsyncLate => "async_late",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Sync => "`fn`",
            Self::SyncLate => "`fn`, late attribute",
            Self::SyncResult => "`fn`, `Result`",
            Self::Async => "`async fn`",
            Self::AsyncResult => "`async fn`, `Result`",
            Self::AsyncLate => "`async fn`, late attribute",
        }
    }

    pub(crate) fn is_async(self) -> bool {
        matches!(self, Self::Async | Self::AsyncLate | Self::AsyncResult)
    }

    fn is_fallible(self) -> bool {
        matches!(self, Self::SyncResult | Self::AsyncResult)
    }

    fn is_late(self) -> bool {
        matches!(self, Self::SyncLate | Self::AsyncLate)
    }
}

/// A crate whose functions have one shape and one annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) peer: Peer,
    pub(crate) shape: Shape,
}

/// The schema's crate: 12 attributes, as far away from the annotations as users have them.
pub(crate) const SCHEMA: &str = r#"//! The schema of the annotated functions.

otelier::span_schema! {
    /// One order.
    pub Order = "crypto.order" {
        kind = client;
        name = "order {crypto.symbol}";
        crypto.symbol: string required "Trading pair.";
        crypto.quantity: int required "How many.";
        crypto.price: double "Limit of the price.";
        crypto.side: string in ["buy", "sell"] "Side.";
        crypto.venue: string "Exchange.";
        crypto.client: string "Client.";
        crypto.record_count: int unit "{record}" "Records.";
        crypto.data_size_bytes: int unit "By" "Size.";
        crypto.is_margin: boolean "Whether money is borrowed.";
        crypto.api_key: string sensitive "Key.";
        db.operation: string "Operation.";
        db.collection: string "Table.";
    }
}
"#;

impl Package {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Peer::ALL.into_iter().flat_map(|peer| Shape::ALL.map(|shape| Self { peer, shape }))
    }

    pub(crate) fn name(self) -> String {
        format!("{}_{}", self.peer.word(), self.shape.word())
    }

    /// The crate with that many functions.
    pub(crate) fn source(self, functions: usize) -> String {
        let Self { shape, .. } = self;
        let (keyword, wait) =
            if shape.is_async() { ("async fn", "    std::future::ready(()).await;\n") } else { ("fn", "") };
        let (annotation, record) = (self.annotation(), self.record());
        let (output, count, last) = match shape.is_fallible() {
            true => (
                "Result<i64, std::num::ParseIntError>",
                "symbol.parse()?",
                "Ok(if price > 1.5 { count + quantity } else { count })",
            ),
            false => ("i64", "symbol.len() as i64", "if price > 1.5 { count + quantity } else { count }"),
        };
        let mut text = String::new();
        for number in 0..functions {
            let _ = writeln!(
                text,
                "\n{annotation}pub {keyword} f{number}(symbol: &str, quantity: i64, price: f64) -> {output} {{\n\
                 {wait}    let count: i64 = {count};\n\
                 {record}    {last}\n}}"
            );
            if shape.is_async() {
                // What nobody polls is not compiled to the end.
                let _ = writeln!(
                    text,
                    "\npub fn poll{number}(task: &mut std::task::Context<'_>) -> bool {{\n    \
                     std::future::Future::poll(std::pin::pin!(f{number}(\"7\", {number}, 2.5)), task).is_ready()\n}}"
                );
            }
        }
        text
    }

    /// The annotation's line.
    fn annotation(self) -> String {
        const FIELDS: &str = "crypto.symbol = symbol, crypto.quantity = quantity, crypto.price = price";
        let late = self.shape.is_late();
        match self.peer {
            Peer::Plain => String::new(),
            Peer::Otelier => {
                let late = if late { ", late(crypto.record_count)" } else { "" };
                format!("#[otelier::trace(schema::Order, {FIELDS}{late})]\n")
            }
            Peer::Tracing => {
                let late = if late { ", crypto.record_count = tracing::field::Empty" } else { "" };
                let err = if self.shape.is_fallible() { ", err" } else { "" };
                format!("#[tracing::instrument(skip_all, fields({FIELDS}{late}){err})]\n")
            }
        }
    }

    /// The line that records the late attribute.
    fn record(self) -> &'static str {
        match self.peer {
            Peer::Otelier if self.shape.is_late() => "    record!(crypto.record_count = count);\n",
            Peer::Tracing if self.shape.is_late() => {
                "    tracing::Span::current().record(\"crypto.record_count\", count);\n"
            }
            _ => "",
        }
    }
}
