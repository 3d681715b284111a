//! What a service of a lakehouse works on, for its resource.

use crate::SpanAttributes;
use crate::attribute::EnumAttribute;
use crate::schema::crypto::{DataType, Market};
use crate::schema::lakehouse::Layer;

/// What a service of a lakehouse works on: the attributes of the schema group
/// [`lakehouse::Resource`](crate::schema::lakehouse::Resource), typed, for
/// [`with_resource`](crate::Telemetry::with_resource).
///
/// ```
/// use otelier::config::LakehouseResource;
/// use otelier::prelude::*;
///
/// let telemetry = Telemetry::default().with_resource(
///     &LakehouseResource::default()
///         .with_market(Market::Binance)
///         .with_data_types([DataType::Klines, DataType::Trades])
///         .with_market_types(["spot", "futures"])
///         .with_layers([Layer::Bronze, Layer::Silver])
///         .with_storage_backend("s3")
///         .with_format("parquet"),
/// );
/// let attributes = &telemetry.resource.attributes;
/// assert!(attributes.contains(&("lakehouse.layers".to_owned(), ["bronze", "silver"].into())));
/// assert_eq!(attributes.len(), 6);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, SpanAttributes)]
#[must_use = "give it to `with_resource`"]
pub struct LakehouseResource {
    #[attribute(name = "crypto.data_types")]
    data_types: Option<Vec<String>>,
    #[attribute(name = "crypto.market")]
    market: Option<Market>,
    #[attribute(name = "crypto.market_types")]
    market_types: Option<Vec<String>>,
    #[attribute(name = "lakehouse.format")]
    format: Option<String>,
    #[attribute(name = "lakehouse.layers")]
    layers: Option<Vec<String>>,
    #[attribute(name = "lakehouse.storage_backend")]
    storage_backend: Option<String>,
}

fn values<V: EnumAttribute>(values: impl IntoIterator<Item = V>) -> Option<Vec<String>> {
    Some(values.into_iter().map(|value| value.value().to_owned()).collect())
}

impl LakehouseResource {
    /// Sets the exchange the service works on, `crypto.market`.
    pub fn with_market(mut self, market: Market) -> Self {
        self.market = Some(market);
        self
    }

    /// Sets the kinds of market data, `crypto.data_types`.
    pub fn with_data_types(mut self, data_types: impl IntoIterator<Item = DataType>) -> Self {
        self.data_types = values(data_types);
        self
    }

    /// Sets the kinds of market, `crypto.market_types`, such as `spot`, `futures` and `options`.
    pub fn with_market_types<T: Into<String>>(mut self, market_types: impl IntoIterator<Item = T>) -> Self {
        self.market_types = Some(market_types.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the layers the service works on, `lakehouse.layers`.
    pub fn with_layers(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.layers = values(layers);
        self
    }

    /// Sets the kind of store that holds the data, `lakehouse.storage_backend`, such as `s3`.
    pub fn with_storage_backend(mut self, backend: impl Into<String>) -> Self {
        self.storage_backend = Some(backend.into());
        self
    }

    /// Sets the format of the data, `lakehouse.format`, such as `parquet`.
    pub fn with_format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::SpanAttributes;
    use crate::schema::AttributeGroup;
    use crate::schema::lakehouse::Resource;

    #[test]
    fn it_has_the_attributes_of_its_schema() {
        let names: Vec<&str> = LakehouseResource::ATTRIBUTES.iter().map(|field| field.name).collect();
        let of_schema: Vec<&str> = Resource::DEF.attributes.iter().map(|attribute| attribute.name).collect();
        assert_eq!(names, of_schema);
    }
}
