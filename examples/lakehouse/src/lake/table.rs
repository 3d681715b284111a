//! Tables, and how they become Parquet.

use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

/// The values of one column; none of them is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Points in time, in milliseconds since 1970.
    Millis(Vec<i64>),
    /// Numbers.
    Double(Vec<f64>),
    /// Texts.
    Text(Vec<String>),
    /// Yes or no.
    Bool(Vec<bool>),
}

/// Columns of the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Table(Vec<(&'static str, Column)>);

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Int(values) | Self::Millis(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    fn field(&self, name: &str) -> Result<TypePtr, ParquetError> {
        let (physical, converted) = match self {
            Self::Int(_) => (Physical::INT64, ConvertedType::NONE),
            Self::Millis(_) => (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS),
            Self::Double(_) => (Physical::DOUBLE, ConvertedType::NONE),
            Self::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
            Self::Bool(_) => (Physical::BOOLEAN, ConvertedType::NONE),
        };
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        field.with_converted_type(converted).build().map(Arc::new)
    }

    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Self::Int(values) | Self::Millis(values) => writer.typed::<Int64Type>().write_batch(values, None, None),
            Self::Double(values) => writer.typed::<DoubleType>().write_batch(values, None, None),
            Self::Bool(values) => writer.typed::<BoolType>().write_batch(values, None, None),
            Self::Text(values) => {
                let values: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(text.as_str())).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, None, None)
            }
        }
        .map(drop)
    }
}

impl Table {
    /// A table of these columns, in this order.
    pub fn new<const N: usize>(columns: [(&'static str, Column); N]) -> Self {
        Self(columns.into())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |(_, column)| column.len())
    }

    /// The table as one Parquet file, compressed with Snappy.
    ///
    /// # Errors
    ///
    /// The encoder's error, for example if the columns differ in length.
    pub fn to_parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let fields: Result<Vec<TypePtr>, ParquetError> =
            self.0.iter().map(|(name, column)| column.field(name)).collect();
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields?).build()?);
        let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        let mut group = file.next_row_group()?;
        for (_, column) in &self.0 {
            let Some(mut writer) = group.next_column()? else { break };
            column.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        file.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    fn table(times: Vec<i64>) -> Table {
        Table::new([
            ("symbol", Column::Text(vec!["BTCUSDT".into(), "ETHUSDT".into()])),
            ("time", Column::Millis(times)),
            ("price", Column::Double(vec![57_484.25, 3_545.5])),
            ("count", Column::Int(vec![1, 2])),
            ("maker", Column::Bool(vec![true, false])),
        ])
    }

    #[test]
    fn a_written_table_reads_back_the_same() {
        let bytes = table(vec![1_633_996_800_000, 1_633_996_860_000]).to_parquet().expect("encodes");
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("is Parquet");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 2);
        let rows: Vec<_> = reader.get_row_iter(None).expect("rows").map(|row| row.expect("row")).collect();
        assert_eq!(rows[0].get_string(0).expect("text"), "BTCUSDT");
        assert_eq!(rows[1].get_timestamp_millis(1).expect("time"), 1_633_996_860_000);
        assert_eq!(rows[0].get_double(2).expect("number"), 57_484.25);
        assert_eq!(rows[1].get_long(3).expect("whole number"), 2);
        assert!(rows[0].get_bool(4).expect("flag"));
    }

    #[test]
    fn columns_of_different_lengths_are_an_error() {
        assert!(table(vec![1]).to_parquet().is_err());
    }
}
