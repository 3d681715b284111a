//! The machine code that an annotation adds to a small function, read from this program's own symbols.
//!
//! A function's code is what bears its name, closures and unwinding included; what many functions share is not.

use crate::peers::{RateLimited, body};
use object::{Object, ObjectSymbol, SymbolKind};
use std::fmt::Write;
use std::hint::black_box;

/// The same three functions for each library.
type All = (fn() -> u64, fn(i64, f64, &str) -> u64, fn(i64) -> Result<u64, RateLimited>);

mod bare {
    use super::{RateLimited, black_box, body};

    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_bare_plain() -> u64 {
        body()
    }

    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_bare_attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        black_box((quantity, price, symbol));
        body()
    }

    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_bare_error(quantity: i64) -> Result<u64, RateLimited> {
        if black_box(quantity) < 0 { Err(RateLimited(quantity)) } else { Ok(body()) }
    }

    pub(super) const ALL: super::All = (size_bare_plain, size_bare_attributes, size_bare_error);
}

mod ours {
    use super::{RateLimited, black_box, body};

    #[otelier::trace]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_ours_plain() -> u64 {
        body()
    }

    #[otelier::trace(
        "app.quantity" = quantity, "app.price" = price, "app.symbol" = symbol, "app.venue" = "binance"
    )]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_ours_attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        black_box((quantity, price, symbol));
        body()
    }

    #[otelier::trace]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_ours_error(quantity: i64) -> Result<u64, RateLimited> {
        if black_box(quantity) < 0 { Err(RateLimited(quantity)) } else { Ok(body()) }
    }

    pub(super) const ALL: super::All = (size_ours_plain, size_ours_attributes, size_ours_error);
}

#[cfg(feature = "peers")]
mod fastrace {
    use super::{RateLimited, black_box, body};

    #[fastrace::trace]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_fastrace_plain() -> u64 {
        body()
    }

    #[fastrace::trace(properties = {
        "app.quantity": "{quantity}", "app.price": "{price}", "app.symbol": "{symbol}", "app.venue": "binance"
    })]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_fastrace_attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        black_box((quantity, price, symbol));
        body()
    }

    #[fastrace::trace]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_fastrace_error(quantity: i64) -> Result<u64, RateLimited> {
        if black_box(quantity) < 0 { Err(RateLimited(quantity)) } else { Ok(body()) }
    }

    pub(super) const ALL: super::All = (size_fastrace_plain, size_fastrace_attributes, size_fastrace_error);
}

#[cfg(feature = "peers")]
mod tracing {
    use super::{RateLimited, black_box, body};

    #[tracing::instrument(skip_all)]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_tracing_plain() -> u64 {
        body()
    }

    #[tracing::instrument(
        skip_all,
        fields(app.quantity = quantity, app.price = price, app.symbol = symbol, app.venue = "binance")
    )]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_tracing_attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        black_box((quantity, price, symbol));
        body()
    }

    #[tracing::instrument(skip_all, err)]
    #[inline(never)]
    #[unsafe(no_mangle)]
    fn size_tracing_error(quantity: i64) -> Result<u64, RateLimited> {
        if black_box(quantity) < 0 { Err(RateLimited(quantity)) } else { Ok(body()) }
    }

    pub(super) const ALL: super::All = (size_tracing_plain, size_tracing_attributes, size_tracing_error);
}

const LIBRARIES: &[(&str, &str)] = &[
    ("ours", "`#[otelier::trace]`"),
    #[cfg(feature = "peers")]
    ("fastrace", "`#[fastrace::trace]`, records no error"),
    #[cfg(feature = "peers")]
    ("tracing", "`#[tracing::instrument]`"),
];

const SHAPES: [(&str, &str); 3] =
    [("plain", "no attributes"), ("attributes", "4 attributes"), ("error", "returns a `Result`")];

/// Bytes of code and of constants that bear a name.
fn bytes(file: &object::File<'_>, name: &str) -> (u64, u64) {
    let (mut code, mut data) = (0, 0);
    for symbol in file.symbols().filter(|symbol| symbol.name().is_ok_and(|own| own.contains(name))) {
        match symbol.kind() {
            SymbolKind::Text => code += symbol.size(),
            SymbolKind::Data => data += symbol.size(),
            _ => {}
        }
    }
    (code, data)
}

pub(crate) fn run() -> Result<String, String> {
    // Or the linker would leave them out.
    black_box((bare::ALL, ours::ALL));
    #[cfg(feature = "peers")]
    black_box((fastrace::ALL, tracing::ALL));
    let program = crate::process::this().and_then(std::fs::read).map_err(|error| error.to_string())?;
    let file = object::File::parse(program.as_slice()).map_err(|error| error.to_string())?;
    let heads: String = SHAPES.iter().map(|(_, words)| format!(" {words} |")).collect();
    let mut text = format!("| bytes of machine code (and constants) added |{heads}\n|-|-|-|-|\n");
    for (library, words) in LIBRARIES {
        let mut cells = String::new();
        for (shape, _) in SHAPES {
            let (bare, _) = bytes(&file, &format!("size_bare_{shape}"));
            let (code, data) = bytes(&file, &format!("size_{library}_{shape}"));
            if bare == 0 || code == 0 {
                return Err(format!(
                    "this program has no size for `size_{library}_{shape}`; is it an ELF file, not stripped?"
                ));
            }
            let _ = write!(cells, " {} ({data}) |", code.saturating_sub(bare));
        }
        let _ = writeln!(text, "| {words} |{cells}");
    }
    Ok(text)
}
