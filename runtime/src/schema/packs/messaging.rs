// Made by `cargo xtask packs` of registry/packs/messaging.yaml.

//! Messages: sent, received and worked on.

crate::attribute_group! {
    /// Which message an operation handles.
    pub Message = "messaging.message" {
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the operation failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Messages in the batch.
        messaging.batch.message_count: int required_if "if the operation handles a batch" unit "{message}" examples
            [10];
        /// Identifies the client.
        messaging.client.id: string examples ["client-5"];
        /// Partition of the topic.
        messaging.destination.partition.id: string examples ["1"];
        /// Queue or topic with its variable parts replaced, low in cardinality.
        messaging.destination.template: string examples ["/customers/{customerId}"];
        /// Size of the message's body.
        messaging.message.body.size: int opt_in unit "By" examples [1439];
        /// Identifies the conversation the message belongs to.
        messaging.message.conversation_id: string examples ["MyConversationId"];
        /// Size of the message with body and metadata.
        messaging.message.envelope.size: int opt_in unit "By" examples [2738];
        /// Identifies the message.
        messaging.message.id: string examples ["452a7c7c7c7048c2f887f61572b18fc2"];
        /// Host that is called, or that the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Port that is called, or that the request names.
        server.port: int stable examples [443];
    }
}

crate::span_schema! {
    /// Messages are worked on.
    pub Process = "messaging.process" {
        kind = consumer;
        name = "{messaging.operation.name} {messaging.destination.name}";
        undeclared = allow;
        constant messaging.operation.type = "process";
        include Message;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Group the consumer belongs to.
        messaging.consumer.group.name: string examples ["indexer"];
        /// Queue or topic.
        messaging.destination.name: string required examples ["orders"];
        /// Subscription a message is received from.
        messaging.destination.subscription.name: string examples ["billing"];
        /// Name of the operation in the words of the messaging system.
        messaging.operation.name: string required examples ["send", "ack"];
        /// Messaging system, as the client knows it.
        messaging.system: string required in ["activemq" "Apache ActiveMQ.", "aws.sns"
            "Amazon Simple Notification Service (SNS).", "aws_sqs" "Amazon Simple Queue Service (SQS).", "eventgrid"
            "Azure Event Grid.", "eventhubs" "Azure Event Hubs.", "servicebus" "Azure Service Bus.", "gcp_pubsub"
            "Google Cloud Pub/Sub.", "jms" "Java Message Service.", "kafka" "Apache Kafka.", "rabbitmq" "RabbitMQ.",
            "rocketmq" "Apache RocketMQ.", "pulsar" "Apache Pulsar.", ..];
    }
}

crate::span_schema! {
    /// Messages are handed to a messaging system.
    pub Publish = "messaging.publish" {
        kind = producer;
        name = "{messaging.operation.name} {messaging.destination.name}";
        undeclared = allow;
        constant messaging.operation.type = "send";
        include Message;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Queue or topic.
        messaging.destination.name: string required examples ["orders"];
        /// Name of the operation in the words of the messaging system.
        messaging.operation.name: string required examples ["send", "ack"];
        /// Messaging system, as the client knows it.
        messaging.system: string required in ["activemq" "Apache ActiveMQ.", "aws.sns"
            "Amazon Simple Notification Service (SNS).", "aws_sqs" "Amazon Simple Queue Service (SQS).", "eventgrid"
            "Azure Event Grid.", "eventhubs" "Azure Event Hubs.", "servicebus" "Azure Service Bus.", "gcp_pubsub"
            "Google Cloud Pub/Sub.", "jms" "Java Message Service.", "kafka" "Apache Kafka.", "rabbitmq" "RabbitMQ.",
            "rocketmq" "Apache RocketMQ.", "pulsar" "Apache Pulsar.", ..];
    }
}

crate::span_schema! {
    /// Messages are asked for.
    pub Receive = "messaging.receive" {
        kind = client;
        name = "{messaging.operation.name} {messaging.destination.name}";
        undeclared = allow;
        constant messaging.operation.type = "receive";
        include Message;
        /// Follows one piece of work through all services it passes.
        correlation.id: string examples ["123e4567-e89b-12d3-a456-426614174000"];
        /// Group the consumer belongs to.
        messaging.consumer.group.name: string examples ["indexer"];
        /// Queue or topic.
        messaging.destination.name: string required examples ["orders"];
        /// Subscription a message is received from.
        messaging.destination.subscription.name: string examples ["billing"];
        /// Name of the operation in the words of the messaging system.
        messaging.operation.name: string required examples ["send", "ack"];
        /// Messaging system, as the client knows it.
        messaging.system: string required in ["activemq" "Apache ActiveMQ.", "aws.sns"
            "Amazon Simple Notification Service (SNS).", "aws_sqs" "Amazon Simple Queue Service (SQS).", "eventgrid"
            "Azure Event Grid.", "eventhubs" "Azure Event Hubs.", "servicebus" "Azure Service Bus.", "gcp_pubsub"
            "Google Cloud Pub/Sub.", "jms" "Java Message Service.", "kafka" "Apache Kafka.", "rabbitmq" "RabbitMQ.",
            "rocketmq" "Apache RocketMQ.", "pulsar" "Apache Pulsar.", ..];
    }
}

crate::event_schema! {
    /// A message is given back or put aside because it could not be worked on.
    pub MessageRejected = "messaging.message_rejected" {
        undeclared = allow;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string in ["_OTHER" "An error of no known class.", ..] stable examples ["timeout", "429"];
        /// Queue or topic.
        messaging.destination.name: string examples ["orders"];
        /// Identifies the message.
        messaging.message.id: string examples ["452a7c7c7c7048c2f887f61572b18fc2"];
        /// Which attempt this is; the first is 1.
        retry.attempt: int unit "{attempt}" examples [2];
    }
}
