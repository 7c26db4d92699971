//! Alarms and the dashboard, from the list of metrics that the functions write.
//!
//! One table of alarms makes the part of `template.yaml`, the tables of docs/metrics.md, and what
//! tests compare: each alarm names its metric and the section of docs/runbook.md for whom it wakes.

use std::fmt::Write;

use heck::ToPascalCase;
use operations::Trigger;
use run_kit::{Measure, measures};
use serde_json::{Value, json};

/// What is taken of the values in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// All together.
    Sum,
    /// The least of them.
    Minimum,
    /// The most of them.
    Maximum,
}

impl Statistic {
    fn as_str(self) -> &'static str {
        match self {
            Statistic::Sum => "Sum",
            Statistic::Minimum => "Minimum",
            Statistic::Maximum => "Maximum",
        }
    }
}

/// When somebody is woken.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// The name, also of its resource, without the suffix `Alarm`.
    pub name: String,
    /// Of which metric.
    pub measure: &'static Measure,
    /// The value of each of the metric's dimensions.
    pub dimensions: Vec<(&'static str, String)>,
    /// What is taken of a period.
    pub statistic: Statistic,
    /// Below it, of a minimum; from it on, of the others.
    pub threshold: u32,
    /// Seconds of a period.
    pub period: u32,
    /// In so many periods, one after another.
    pub periods: u32,
    /// What has happened.
    pub says: String,
    /// The section of docs/runbook.md.
    pub section: &'static str,
}

impl Alarm {
    /// An alarm that one of something in five minutes raises.
    fn of(name: impl Into<String>, measure: &'static Measure) -> Self {
        Self {
            name: name.into(),
            measure,
            dimensions: Vec::new(),
            statistic: Statistic::Sum,
            threshold: 1,
            period: minutes(5),
            periods: 1,
            says: String::new(),
            section: "",
        }
    }

    fn by(mut self, dimension: &'static str, value: &str) -> Self {
        self.dimensions.push((dimension, value.to_owned()));
        self
    }

    fn when(self, statistic: Statistic, threshold: u32) -> Self {
        Self { statistic, threshold, ..self }
    }

    fn within(self, period: u32, periods: u32) -> Self {
        Self { period, periods, ..self }
    }

    fn wakes(self, says: impl Into<String>, section: &'static str) -> Self {
        Self { says: says.into(), section, ..self }
    }

    /// Whether values of one period raise the alarm, if it needs no more periods.
    pub fn is_raised_by(&self, values: &[f64]) -> bool {
        let threshold = f64::from(self.threshold);
        match self.statistic {
            Statistic::Sum => values.iter().sum::<f64>() >= threshold,
            Statistic::Maximum => values.iter().any(|value| *value >= threshold),
            Statistic::Minimum => values.iter().any(|value| *value < threshold),
        }
    }
}

/// When somebody is woken by a metric of AWS's own: no function of ours need have run.
#[derive(Clone, Copy, Debug)]
pub struct AwsAlarm {
    /// The name, also of its resource, without the suffix `Alarm`.
    pub name: &'static str,
    /// Namespace of the metric.
    pub namespace: &'static str,
    /// The metric.
    pub metric: &'static str,
    /// Names and values of its dimensions, as the template has them.
    dimensions: &'static [(&'static str, &'static str)],
    statistic: Statistic,
    threshold: u32,
    /// What has happened.
    pub says: &'static str,
    /// The section of docs/runbook.md.
    pub section: &'static str,
}

/// The alarms on metrics of AWS's own, each of five minutes. A function that does not start writes
/// no metric, and neither does a request that no function sees.
pub const AWS_ALARMS: [AwsAlarm; 3] = [
    AwsAlarm {
        name: "GatewayErrors",
        namespace: "AWS/ApiGateway",
        metric: "5XXError",
        // SAM names the API after the stack.
        dimensions: &[("ApiName", "!Ref AWS::StackName"), ("Stage", "!Ref StageName")],
        statistic: Statistic::Sum,
        threshold: 5,
        says: "API Gateway has answered five requests or more with 500 or above",
        section: "The API answers 5xx",
    },
    AwsAlarm {
        name: "AuthorizerErrors",
        namespace: "AWS/Lambda",
        metric: "Errors",
        dimensions: &[("FunctionName", "!Ref AuthorizerFunction")],
        statistic: Statistic::Sum,
        threshold: 5,
        says: "The authorizer has failed five times or more",
        section: "The API answers 5xx",
    },
    AwsAlarm {
        name: "DeadLettersWaiting",
        namespace: "AWS/SQS",
        metric: "ApproximateNumberOfMessagesVisible",
        dimensions: &[("QueueName", "!GetAtt DeadLetters.QueueName")],
        statistic: Statistic::Maximum,
        threshold: 1,
        says: "An event waits in the queue of those that failed three times",
        section: "A task fails",
    },
];

/// Minutes, as CloudWatch counts periods.
const fn minutes(minutes: u32) -> u32 {
    minutes * 60
}

/// Every alarm.
pub fn alarms() -> Vec<Alarm> {
    use Statistic::{Maximum, Minimum, Sum};
    let mut alarms = vec![
        Alarm::of("ServerErrors", &measures::SERVER_ERRORS)
            .when(Sum, 5)
            .wakes("The API has answered five requests or more with 500 or above", "The API answers 5xx"),
        Alarm::of("LeftBehind", &measures::LEFT_BEHIND)
            .wakes("A request stopped half-way and left something behind", "A tenant is broken"),
        Alarm::of("RateLimited", &measures::RATE_LIMITED)
            .when(Sum, 20)
            .wakes("Requests are refused because limits are used up", "Okta is at its limit"),
        Alarm::of("LockWait", &measures::LOCK_WAIT)
            .when(Maximum, 5_000)
            .within(minutes(5), 2)
            .wakes("Requests wait for a lock for five seconds and more", "A lock stays"),
        Alarm::of("OpenFindings", &measures::OPEN_FINDINGS)
            .when(Maximum, 1)
            .within(minutes(60), 2)
            .wakes("Passes of two hours have left findings to a person", "A tenant is broken"),
        Alarm::of("SystemLogLag", &measures::SYSTEM_LOG_LAG)
            .by("operation", "reconcile")
            .when(Maximum, 15 * 60 * 1_000)
            .within(minutes(15), 2)
            .wakes(
                "The reading of Okta's System Log is a quarter of an hour behind",
                "Okta's event hook does not deliver",
            ),
        Alarm::of("RotationsNotStarted", &measures::ROTATIONS_NOT_STARTED)
            .by("operation", "start-rotations")
            .within(minutes(60), 1)
            .wakes("Secrets Manager has not taken a rotation", "A rotation does not start"),
        Alarm::of("ResponsesAboveLimit", &measures::RESPONSES_ABOVE_LIMIT)
            .by("operation", "respond-to-event")
            .wakes(
                "A response was only planned, because a rule is above its limit",
                "Responses are above their limit",
            ),
        // A run a minute: once may be an outage of a moment.
        Alarm::of("ResponsesLeft", &measures::RESPONSES_LEFT)
            .by("operation", "expire-responses")
            .when(Sum, 3)
            .within(minutes(60), 1)
            .wakes(
                "A response could not be ended in three runs or more of an hour",
                "A response does not end",
            ),
    ];
    alarms.extend(okta_client::CLASSES.iter().map(|&class| {
        // `*` stands for one object of the list.
        let name = class.trim_start_matches("/api/v1/").replace('*', "one");
        Alarm::of(format!("OktaRemaining{}", name.to_pascal_case()), &measures::OKTA_REMAINING)
            .by("class", class)
            .when(Minimum, 10)
            .within(minutes(1), 3)
            .wakes(
                format!("Less than a tenth of Okta's limit of {class} is left, for three minutes"),
                "Okta is at its limit",
            )
    }));
    let hooks = crate::endpoints().into_iter().map(|endpoint| endpoint.operation);
    alarms.extend(hooks.filter(|hook| matches!(hook.trigger, Trigger::InlineHook { .. })).map(|hook| {
        Alarm::of(format!("HookDoubts{}", hook.name.to_pascal_case()), &measures::HOOK_DOUBTS)
            .by("operation", hook.name)
            .when(Sum, 3)
            .wakes(
                format!("The hook {} has answered three calls or more without a decision", hook.name),
                "A hook is in doubt",
            )
    }));
    alarms.extend(crate::tasks().into_iter().map(|task| task.operation.name).map(|task| {
        Alarm::of(format!("Failures{}", task.to_pascal_case()), &measures::FAILURES)
            .by("operation", task)
            .when(Sum, 2)
            .within(minutes(60), 1)
            .wakes(format!("Two runs or more of {task} have failed in an hour"), "A task fails")
    }));
    alarms
}

/// The end of every alarm.
const ENDS: &str = "      TreatMissingData: notBreaching\n      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]\n      OKActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]\n";

/// The part of the template.
pub(crate) fn resources() -> String {
    let mut text = String::new();
    for alarm in alarms() {
        let comparison = match alarm.statistic {
            Statistic::Minimum => "LessThanThreshold",
            Statistic::Sum | Statistic::Maximum => "GreaterThanOrEqualToThreshold",
        };
        let _ = write!(
            text,
            "\n  {name}Alarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      AlarmName: !Sub ${{NamePrefix}}-{name}\n      AlarmDescription: '{says}: see docs/runbook.md, {section}'\n      Namespace: okta-dac\n      MetricName: {metric}\n",
            name = alarm.name,
            says = alarm.says.replace('\'', "''"),
            section = alarm.section.replace('\'', "''"),
            metric = alarm.measure.name,
        );
        if !alarm.dimensions.is_empty() {
            text.push_str("      Dimensions:\n");
        }
        for (name, value) in &alarm.dimensions {
            let _ = write!(text, "        - Name: {name}\n          Value: {value}\n");
        }
        let _ = write!(
            text,
            "      Statistic: {}\n      ComparisonOperator: {comparison}\n      Threshold: {}\n      Period: {}\n      EvaluationPeriods: {}\n{ENDS}",
            alarm.statistic.as_str(),
            alarm.threshold,
            alarm.period,
            alarm.periods,
        );
    }
    for alarm in AWS_ALARMS {
        let dimension =
            |(name, value): &(&str, &str)| format!("        - Name: {name}\n          Value: {value}\n");
        let _ = write!(
            text,
            "\n  {name}Alarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      AlarmName: !Sub ${{NamePrefix}}-{name}\n      AlarmDescription: '{says}: see docs/runbook.md, {section}'\n      Namespace: {namespace}\n      MetricName: {metric}\n      Dimensions:\n{dimensions}      Statistic: {statistic}\n      ComparisonOperator: GreaterThanOrEqualToThreshold\n      Threshold: {threshold}\n      Period: {period}\n      EvaluationPeriods: 1\n{ends}",
            name = alarm.name,
            says = alarm.says,
            section = alarm.section,
            namespace = alarm.namespace,
            metric = alarm.metric,
            dimensions = alarm.dimensions.iter().map(dimension).collect::<String>(),
            statistic = alarm.statistic.as_str(),
            threshold = alarm.threshold,
            period = minutes(5),
            ends = ENDS,
        );
    }
    let body = dashboard().to_string();
    let _ = write!(
        text,
        "\n  Dashboard:\n    Type: AWS::CloudWatch::Dashboard\n    Properties:\n      DashboardName: !Ref NamePrefix\n      DashboardBody: !Sub '{}'\n",
        body.replace('\'', "''"),
    );
    text
}

/// The dashboard: one widget for each metric, those of requests first.
pub fn dashboard() -> Value {
    let widget = |n: usize, measure: &Measure| {
        let of = |statistic: &str| match measure.dimensions {
            [] => json!(["okta-dac", measure.name, { "stat": statistic }]),
            by => {
                let schema = by.join(",");
                // A name with a hyphen stands in quotes there.
                let search = format!(
                    "SEARCH('{{\"okta-dac\",{schema}}} MetricName=\"{}\"', '{statistic}', 300)",
                    measure.name
                );
                json!([{ "expression": search, "label": "" }])
            }
        };
        let statistics: &[&str] = match measure.unit {
            run_kit::Unit::Count => &["Sum"],
            run_kit::Unit::Milliseconds => &["p50", "p99"],
            run_kit::Unit::Percent => &["Minimum"],
        };
        json!({
            "type": "metric", "x": (n % 3) * 8, "y": (n / 3) * 6, "width": 8, "height": 6,
            "properties": {
                "title": measure.name, "region": "${AWS::Region}", "period": 300, "view": "timeSeries",
                "metrics": statistics.iter().map(|statistic| of(statistic)).collect::<Vec<_>>(),
            },
        })
    };
    let widgets: Vec<Value> =
        measures::ALL.iter().enumerate().map(|(n, measure)| widget(n, measure)).collect();
    json!({ "widgets": widgets })
}

/// `docs/metrics.md`.
pub(crate) fn page() -> String {
    let mut text = String::from(include_str!("metrics.md"));
    let mut metrics =
        String::from("| metric | unit | by | what it counts or measures |\n|---|---|---|---|\n");
    for measure in measures::ALL {
        let by = measure.dimensions.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            metrics,
            "| `{}` | {} | {by} | {} |",
            measure.name,
            measure.unit.as_str(),
            measure.meaning
        );
    }
    let mut rows = String::from("| alarm | raised when | what to do |\n|---|---|---|\n");
    let ours = alarms().into_iter().map(|alarm| (alarm.name, alarm.says, alarm.section));
    let aws = AWS_ALARMS.map(|alarm| {
        let says = format!("{} (`{}` of `{}`)", alarm.says, alarm.metric, alarm.namespace);
        (alarm.name.to_owned(), says, alarm.section)
    });
    for (name, says, section) in ours.chain(aws) {
        let anchor = section.to_lowercase().replace(' ', "-").replace('\'', "");
        let _ = writeln!(rows, "| `{name}` | {says} | [{section}](runbook.md#{anchor}) |");
    }
    text = text.replace("METRICS\n", &metrics).replace("ALARMS\n", &rows);
    text
}
