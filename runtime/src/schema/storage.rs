//! Reading and writing files and objects.

use crate::schema::crypto::DataType;
use crate::span_schema;

value_enum! {
    /// What is done with the object.
    pub StorageOperation {
        /// An object is written.
        Put = "put",
        /// An object is read.
        Get = "get",
        /// Objects are listed.
        List = "list",
        /// An object is removed.
        Delete = "delete",
        /// An object is copied.
        Copy = "copy",
        /// An object's metadata is read.
        Head = "head",
    }
}

value_enum! {
    /// The layer of a lakehouse that data belongs to.
    pub Layer {
        /// Raw data, as it came.
        Bronze = "bronze",
        /// Checked and typed data.
        Silver = "silver",
        /// Aggregates that people and programs use.
        Gold = "gold",
    }
}

span_schema! {
    /// One operation on files or on an object store.
    pub Operation = "storage.operation" {
        kind = client;
        name = "{storage.operation} {lakehouse.layer}";
        open;
        constant crypto.operation_type = "storage";
        constant crypto.processing_stage = "storage";
        storage.operation: StorageOperation required "What is done.";
        lakehouse.layer: Layer required "Layer the data belongs to.";
        lakehouse.format: string "Format of the data, such as `parquet`.";
        storage.bucket: string "Bucket or root directory.";
        storage.key: string opt_in "Key of the object below the bucket.";
        file.path: string "Path of the file, where it is one.";
        crypto.symbol: string "Trading pair the data is about.";
        crypto.data_type: DataType "Kind of market data.";
        crypto.record_count: int unit "{record}" "Records in the object.";
        crypto.data_size_bytes: int unit "By" "Bytes read or written.";
        crypto.file_count: int unit "{file}" "Files or objects touched.";
    }
}
