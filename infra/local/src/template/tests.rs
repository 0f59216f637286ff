//! What the real template says, and what broken ones are told.

use super::*;

fn real() -> Template {
    Template::parse(DEPLOYED, "local", &[]).unwrap()
}

fn refusal(text: &str) -> String {
    Template::parse(text, "local", &[]).unwrap_err().to_string()
}

/// A template with the given resources and the parameters of the tests.
fn with(resources: &str) -> String {
    format!("Parameters:\n  Stage:\n    Type: String\n    Default: dev\nResources:\n{resources}")
}

#[test]
fn the_template_that_is_deployed_is_read_whole() {
    let template = real();
    let webhook = template.functions.iter().find(|function| function.binary == "webhook").unwrap();
    assert_eq!(webhook.timeout, std::time::Duration::from_secs(5));
    assert!(
        webhook
            .routes
            .contains(&Route { method: "ANY".into(), path: "/v1/webhooks/whatsapp/{tenant_id}".into() })
    );
    assert_eq!(webhook.environment["HADAR_STAGE"].as_literal(), Some("local"));
    assert_eq!(webhook.environment["HADAR_INBOUND_QUEUE_URL"].as_resource(), Some("InboundQueue"));
    let processor = template.functions.iter().find(|function| function.binary == "processor").unwrap();
    let [source] = processor.sources.as_slice() else { panic!("{processor:?}") };
    assert!(source.reports_failures);
    assert_eq!((source.queue.as_str(), source.batch_size), ("InboundQueue", 10));
    let sweeper = template.functions.iter().find(|function| function.binary == "sweeper").unwrap();
    assert_eq!(sweeper.schedules, [Schedule { every: std::time::Duration::from_secs(60) }]);
}

#[test]
fn a_function_takes_over_what_globals_say_unless_it_says_otherwise() {
    let template = real();
    let leads = template.functions.iter().find(|function| function.binary == "leads").unwrap();
    assert_eq!(leads.timeout, std::time::Duration::from_secs(10));
    assert_eq!(leads.environment["HADAR_CRM_TABLE"].as_resource(), Some("CrmTable"));
}

#[test]
fn queues_tables_keys_and_secrets_carry_the_stage_in_their_names() {
    let template = real();
    let inbound = template.queues.iter().find(|queue| queue.id == "InboundQueue").unwrap();
    assert_eq!(inbound.name, "hadar-local-inbound");
    assert_eq!(template.short_name(&inbound.name), "inbound");
    assert!(inbound.attributes.contains(&("VisibilityTimeout", 180)));
    assert_eq!(inbound.redrive, Some(Redrive { target: "InboundDlq".into(), max_receives: 5 }));
    let crm = template.tables.iter().find(|table| table.id == "CrmTable").unwrap();
    assert_eq!(
        (crm.name.as_str(), crm.keys.as_slice()),
        ("hadar-local-crm", &["pk".to_owned(), "sk".to_owned()][..])
    );
    assert!(crm.indexes.iter().any(|index| index.name == "due" && index.projection == "KEYS_ONLY"));
    let buckets: Vec<_> = template.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
    assert_eq!(buckets, ["hadar-local-media-000000000000", "hadar-local-audit-000000000000"]);
    let ephemeral = template.tables.iter().find(|table| table.id == "EphemeralTable").unwrap();
    assert_eq!(ephemeral.expires_by.as_deref(), Some("expires_at"));
    assert!(template.keys.iter().any(|key| key.alias.as_deref() == Some("alias/hadar-local-tokens")));
    assert_eq!(
        template.secrets.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(),
        ["hadar/local/platform"]
    );
}

#[test]
fn a_parameter_given_replaces_its_default() {
    let template = Template::parse(DEPLOYED, "local", &[("SingleTenantId", "tnt_x")]).unwrap();
    let webhook = template.functions.iter().find(|function| function.binary == "webhook").unwrap();
    assert_eq!(webhook.environment["HADAR_SINGLE_TENANT_ID"].as_literal(), Some("tnt_x"));
    let unknown = Template::parse(DEPLOYED, "local", &[("Nope", "x")]).unwrap_err();
    assert_eq!(unknown.to_string(), "Parameters: has no Nope");
}

#[test]
fn what_is_not_yaml_is_told_in_one_line() {
    let said = refusal("Resources: [");
    assert!(said.starts_with("the document: is not YAML: ") && !said.contains('\n'), "{said}");
    assert_eq!(refusal("Parameters: {Stage: {Default: dev}}"), "the document: has no Resources");
}

#[test]
fn what_cannot_run_here_is_named_with_its_place() {
    let queue = "  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: q\n";
    for (resources, expected) in [
        (
            "  B:\n    Type: AWS::RDS::DBInstance\n".to_owned(),
            "B: AWS::RDS::DBInstance is not supported by the local stack",
        ),
        (
            format!("{queue}      FifoQueue: true\n"),
            "Q.Properties.FifoQueue: is not supported by the local stack",
        ),
        (
            format!("{queue}      DelaySeconds: !ImportValue d\n"),
            "Q.Properties.DelaySeconds: this use of ImportValue is not supported by the local stack",
        ),
        (format!("{queue}      DelaySeconds: soon\n"), "Q.Properties.DelaySeconds: must be a whole number"),
        (
            format!(
                "{queue}      RedrivePolicy: {{deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 5}}\n"
            ),
            "Q.Properties.RedrivePolicy.deadLetterTargetArn: refers to D, which is not in the template",
        ),
        (
            format!("{queue}      DelaySeconds: !If [Prod, 1, 2]\n"),
            "Q.Properties.DelaySeconds: there is no condition Prod",
        ),
    ] {
        assert_eq!(refusal(&with(&resources)), expected);
    }
}

#[test]
fn function_events_are_checked_against_what_they_name() {
    let function = |event: &str| {
        with(&format!(
            "  F:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: f}}}}\n    \
             Properties:\n      Events:\n        E: {event}\n  K:\n    Type: AWS::KMS::Key\n    \
             Properties: {{}}\n"
        ))
    };
    for (event, expected) in [
        (
            "{Type: S3, Properties: {}}",
            "F.Properties.Events.E: an event of type S3 is not supported by the local stack",
        ),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt K.Arn}}",
            "F.Properties.Events.E.Properties: K is not a queue",
        ),
        (
            "{Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 * * * ? *)}}",
            "F.Properties.Events.E.Properties.ScheduleExpression: cron(0 * * * ? *) is not supported by the local stack; use rate(n minutes)",
        ),
        (
            "{Type: HttpApi, Properties: {Path: v1, Method: GET}}",
            "F.Properties.Events.E.Properties.Path: must start with / or be $default",
        ),
    ] {
        assert_eq!(refusal(&function(event)), expected);
    }
}

#[test]
fn conditions_and_long_spellings_are_settled_while_reading() {
    let text = "
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  IsLocal: !Equals [!Ref Stage, local]
Resources:
  Q:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: {'Fn::Sub': 'hadar-${Stage}-q'}
      DelaySeconds: !If [IsLocal, 7, 0]
      VisibilityTimeout: !If [IsLocal, !Ref 'AWS::NoValue', 30]
";
    let template = Template::parse(text, "local", &[]).unwrap();
    assert_eq!(template.queues[0].name, "hadar-local-q");
    assert_eq!(template.queues[0].attributes, [("DelaySeconds", 7)]);
}

#[test]
fn texts_keep_their_references_until_the_resources_exist() {
    let text = "
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function: {Environment: {Variables: {A: !Sub 'x-${Q}-${Q.Arn}-${!Y}-${AWS::Region}'}}}
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties: {}
";
    let template = Template::parse(text, "local", &[]).unwrap();
    let value = &template.functions[0].environment["A"];
    let resolved = value.resolve(|piece| match piece {
        Piece::Literal(_) => None,
        Piece::Ref(id) => Some(format!("<{id}>")),
        Piece::Attribute { resource, attribute } => Some(format!("<{resource}.{attribute}>")),
    });
    assert_eq!(resolved, Ok("x-<Q>-<Q.Arn>-${Y}-me-central-1".to_owned()));
    assert_eq!(value.resolve(|_| None), Err(Piece::Ref("Q".to_owned())));
}
