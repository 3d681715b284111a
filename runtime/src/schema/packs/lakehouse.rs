// Made by `cargo xtask packs` of registry/packs/lakehouse.yaml.

//! A lakehouse: its layers, formats and data sets, and how fresh and how good their data is.

crate::attribute_group! {
    /// How fresh and how good the data is.
    pub DataQuality = "lakehouse.data_quality" {
        /// Age of the newest record.
        lakehouse.data_age: double unit "s" examples [42.0];
        /// How good the data is, from 0 (useless) to 1 (no fault found).
        lakehouse.quality_score: double unit "1" examples [0.998];
    }
}

crate::attribute_group! {
    /// Which data of the lakehouse an operation handles.
    pub DataSet = "lakehouse.data_set" {
        /// Name of the data set or table.
        lakehouse.dataset: string examples ["klines_1m"];
        /// Format of the data, such as `parquet`.
        lakehouse.format: string examples ["parquet"];
        /// Layer the data belongs to.
        lakehouse.layer: Layer;
        /// Partition of the data set, as its writer names it.
        lakehouse.partition: string opt_in examples ["date=2025-01-20"];
    }
}

crate::attribute_group! {
    /// What a service of the lakehouse works on, for the resource.
    pub Resource = "lakehouse.resource" {
        /// Kinds of market data a service or workflow handles.
        crypto.data_types: string[] examples ["[\"klines\", \"trades\", \"funding_rates\"]"];
        /// Exchange the service works on.
        crypto.market: crate::schema::crypto::Market;
        /// Kinds of market a service or workflow covers.
        crypto.market_types: string[] examples ["[\"spot\", \"futures\", \"options\"]"];
        /// Format of the data, such as `parquet`.
        lakehouse.format: string examples ["parquet"];
        /// Layers a service works on.
        lakehouse.layers: string[] examples ["[\"bronze\", \"silver\", \"gold\"]"];
        /// Kind of store that holds the data.
        lakehouse.storage_backend: string examples ["s3"];
    }
}

crate::span_schema! {
    /// Making a new version of a data set visible to its readers.
    pub Publish = "lakehouse.publish" {
        name = "publish {lakehouse.dataset}";
        undeclared = allow;
        include DataQuality;
        include crate::schema::crypto::DataVolume;
        /// Files of the new version.
        crypto.file_count: int unit "{file}" examples [2];
        /// Name of the data set or table.
        lakehouse.dataset: string required examples ["klines_1m"];
        /// Format of the data, such as `parquet`.
        lakehouse.format: string examples ["parquet"];
        /// Layer the data belongs to.
        lakehouse.layer: Layer required;
        /// Partition of the data set, as its writer names it.
        lakehouse.partition: string opt_in examples ["date=2025-01-20"];
    }
}

crate::event_schema! {
    /// The newest record of a data set is older than allowed.
    pub DataStale = "lakehouse.data_stale" {
        undeclared = allow;
        /// Age of the newest record.
        lakehouse.data_age: double required unit "s" examples [42.0];
        /// Age above which the newest record is stale.
        lakehouse.data_age_limit: double required unit "s" examples [300.0];
        /// Name of the data set or table.
        lakehouse.dataset: string required examples ["klines_1m"];
        /// Layer the data belongs to.
        lakehouse.layer: Layer;
    }
}

crate::event_schema! {
    /// The quality of a data set fell below its limit.
    pub QualityDegraded = "lakehouse.quality_degraded" {
        undeclared = allow;
        /// Name of the data set or table.
        lakehouse.dataset: string required examples ["klines_1m"];
        /// Layer the data belongs to.
        lakehouse.layer: Layer;
        /// Quality score below which data is not to be used.
        lakehouse.quality_limit: double required unit "1" examples [0.95];
        /// How good the data is, from 0 (useless) to 1 (no fault found).
        lakehouse.quality_score: double required unit "1" examples [0.998];
    }
}

/// Layer the data belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum Layer {
    /// Raw data, as it came.
    Bronze,
    /// Checked and typed data.
    Silver,
    /// Aggregates that people and programs use.
    Gold,
}
