// Made by `cargo xtask packs` of registry/packs/storage.yaml.

//! Reading and writing files and objects.

crate::attribute_group! {
    /// Which file an operation handles.
    pub File = "storage.file" {
        /// Name of the file, without its directory.
        file.name: string examples ["klines.parquet"];
        /// Path of the file.
        file.path: string examples ["/data/bronze/klines.parquet"];
        /// Size of the file.
        file.size: int unit "By" examples [144000];
    }
}

crate::attribute_group! {
    /// Which object an operation handles.
    pub Object = "storage.object" {
        /// Bucket or root directory.
        storage.bucket: string examples ["market-data"];
        /// Key of the object below the bucket.
        storage.key: string opt_in examples ["bronze/klines/BTCUSDT/2025-01-20.parquet"];
        /// Key with its variable parts replaced, low in cardinality.
        storage.key_pattern: string examples ["bronze/klines/{symbol}/{date}.parquet"];
    }
}

crate::attribute_group! {
    /// What only S3 knows of an operation.
    pub S3 = "storage.s3" {
        /// Identifies the request in the answer of AWS.
        aws.request_id: string examples ["79b9da39-b7ae-508a-a6bc-864b2829c622"];
        /// S3 bucket the request names.
        aws.s3.bucket: string examples ["market-data"];
        /// Bucket and key an S3 copy reads.
        aws.s3.copy_source: string examples ["market-data/raw.parquet"];
        /// S3 key the request names.
        aws.s3.key: string opt_in examples ["bronze/klines.parquet"];
        /// Number of the part in an S3 upload, from 1 to 10,000.
        aws.s3.part_number: int examples [3];
        /// Identifies an S3 upload in parts.
        aws.s3.upload_id: string opt_in examples ["dfRtDYWFbkRONycy"];
    }
}

crate::span_schema! {
    /// One operation on an object store that belongs to no lakehouse.
    pub ObjectOperation = "storage.object_operation" {
        kind = client;
        name = "{storage.operation} {storage.bucket}";
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Bytes read or written.
        file.size: int unit "By" examples [144000];
        /// Host that is called, or that the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Port that is called, or that the request names.
        server.port: int stable examples [443];
        /// Bucket or root directory.
        storage.bucket: string required examples ["market-data"];
        /// Key of the object below the bucket.
        storage.key: string opt_in examples ["bronze/klines/BTCUSDT/2025-01-20.parquet"];
        /// Key with its variable parts replaced, low in cardinality.
        storage.key_pattern: string examples ["bronze/klines/{symbol}/{date}.parquet"];
        /// What is done.
        storage.operation: StorageOperation required;
        /// Parts a large object is sent in.
        storage.part_count: int unit "{part}" examples [4];
    }
}

crate::span_schema! {
    /// One operation on files or on an object store.
    pub Operation = "storage.operation" {
        kind = client;
        name = "{storage.operation} {lakehouse.layer}";
        undeclared = allow;
        constant crypto.operation_type = "storage";
        constant crypto.processing_stage = "storage";
        /// Bytes read or written.
        crypto.data_size_bytes: int unit "By" examples [72000];
        /// Kind of market data.
        crypto.data_type: crate::schema::crypto::DataType;
        /// Files or objects touched.
        crypto.file_count: int unit "{file}" examples [2];
        /// Records in the object.
        crypto.record_count: int unit "{record}" examples [1440];
        /// Trading pair the data is about.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
        /// Path of the file, where it is one.
        file.path: string examples ["/data/bronze/klines.parquet"];
        /// Format of the data, such as `parquet`.
        lakehouse.format: string examples ["parquet"];
        /// Layer the data belongs to.
        lakehouse.layer: crate::schema::lakehouse::Layer required;
        /// Bucket or root directory.
        storage.bucket: string examples ["market-data"];
        /// Key of the object below the bucket.
        storage.key: string opt_in examples ["bronze/klines/BTCUSDT/2025-01-20.parquet"];
        /// What is done.
        storage.operation: StorageOperation required;
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum StorageOperation {
    /// An object is written.
    Put,
    /// An object is read.
    Get,
    /// Objects are listed.
    List,
    /// An object is removed.
    Delete,
    /// An object is copied.
    Copy,
    /// An object's metadata is read.
    Head,
}
