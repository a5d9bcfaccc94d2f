"""Checks of the stack's own resources: is each of them there, and as the template wants it?"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edgesweep.operate.doctor.facts import Facts, Finding, Found
from edgesweep.operate.doctor.template import Resource, actions

BUCKET = "AWS::S3::Bucket"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
QUEUE = "AWS::SQS::Queue"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
POLICY = "AWS::IAM::Policy"
ROLE = "AWS::IAM::Role"
RULE = "AWS::Events::Rule"
SCHEDULE = "AWS::Scheduler::Schedule"
TABLE = "AWS::DynamoDB::Table"
TOPIC = "AWS::SNS::Topic"

# Type -> the check, what people call it, and what follows if one is gone.
_KINDS: Mapping[str, tuple[str, str, str]] = {
    TABLE: ("tables", "table", "changes are neither kept nor flushed"),
    QUEUE: ("queue", "queue", "S3 reports changes to nobody"),
    QUEUE_POLICY: ("queue", "queue policy", "changes are refused by the queue"),
    MAPPING: ("queue", "event source mapping", "changes wait in the queue"),
    RULE: ("wiring", "rule", "changes do not reach the queue"),
    SCHEDULE: ("schedule", "schedule", "nothing is flushed"),
    FUNCTION: ("functions", "function", "its work is not done"),
    ROLE: ("permissions", "role", "its function may do nothing"),
    TOPIC: ("alarms", "topic", "nobody hears of an alarm"),
}


def gone(facts: Facts) -> Iterator[Finding]:
    """Every resource is still there."""
    for wanted, found in facts.resources:
        if found is None:
            check, kind, so = _KINDS[wanted.kind]
            mend = _restore(facts, wanted) if wanted.kind == TABLE else facts.place.revert()
            yield Finding(check, f"The {kind} {wanted.id} is gone, so {so}", mend)


def tables(facts: Facts) -> Iterator[Finding]:
    """A table that is to outlive the stack is protected."""
    for wanted, found in facts.there(TABLE):
        if wanted.properties["DeletionProtectionEnabled"] and not found.get(
            "DeletionProtectionEnabled"
        ):
            yield Finding(
                "tables",
                f"The table {wanted.id} is not protected from being deleted",
                facts.place.aws(
                    *("dynamodb", "update-table", "--table-name", wanted.id),
                    "--deletion-protection-enabled",
                ),
            )


def queues(facts: Facts) -> Iterator[Finding]:
    """A message comes back until it is recorded, and after five times it is put aside."""
    for wanted, found in facts.there(QUEUE):
        attributes = _attributes(wanted)
        changed = [name for name, text in attributes.items() if _text(found.get(name)) != text]
        if changed:
            yield Finding(
                "queue",
                f"The queue {wanted.id} is configured otherwise: {', '.join(changed)}",
                _set_queue(facts, wanted.id, attributes),
            )


def dead_letters(facts: Facts) -> Iterator[Finding]:
    """No message was put aside."""
    for wanted, found in facts.there(QUEUE):
        waiting = int(found.get("ApproximateNumberOfMessages", 0))
        if wanted.name == "DeadLetterQueue" and waiting:
            yield Finding(
                "queue",
                f"Changes that could not be recorded wait in {wanted.id}: about {waiting:,}",
                facts.place.edgesweep("redrive", "--stack", facts.place.stack),
            )


def senders(facts: Facts) -> Iterator[Finding]:
    """The queue takes messages from whoever tells it of changes."""
    for wanted, found in facts.there(QUEUE_POLICY):
        policy = wanted.properties["PolicyDocument"]
        if missing := set(actions(policy)) - set(actions(found)):
            (url,) = wanted.properties["Queues"]
            named = ", ".join(sorted({action for action, _ in missing}))
            yield Finding(
                "queue",
                f"The policy of the queue {url} does not allow {named}, so changes are lost",
                _set_queue(facts, url, {"Policy": json.dumps(policy)}),
            )


def mappings(facts: Facts) -> Iterator[Finding]:
    """The record function gets the messages."""
    for wanted, found in facts.there(MAPPING):
        if found["State"] not in {"Enabled", "Enabling", "Creating", "Updating"}:
            yield Finding(
                "queue",
                f"The event source mapping {wanted.id} is {found['State'].lower()}, so changes "
                "wait in the queue, for 14 days at most",
                facts.place.aws(
                    *("lambda", "update-event-source-mapping", "--uuid", wanted.id, "--enabled")
                ),
            )


def rules(facts: Facts) -> Iterator[Finding]:
    """The rule passes on the events of every bucket."""
    for wanted, found in facts.there(RULE):
        pattern = wanted.properties["EventPattern"]
        if found["State"] == "DISABLED" or json.loads(found.get("EventPattern", "{}")) != pattern:
            wrong = "is disabled" if found["State"] == "DISABLED" else "has another pattern"
            yield Finding(
                "wiring",
                f"The rule {wanted.id} {wrong}, so changes are lost",
                facts.place.aws(
                    *("events", "put-rule", "--name", wanted.id, "--state", "ENABLED"),
                    *("--event-pattern", json.dumps(pattern)),
                ),
            )
        targets = wanted.properties["Targets"]
        if not {one["Arn"] for one in targets} <= {one["Arn"] for one in found["Targets"]}:
            yield Finding(
                "wiring",
                f"The rule {wanted.id} does not lead to the queue, so changes are lost",
                facts.place.aws(
                    *("events", "put-targets", "--rule", wanted.id),
                    *("--targets", json.dumps(targets)),
                ),
            )


def schedules(facts: Facts) -> Iterator[Finding]:
    """The flush function is called once a minute."""
    for wanted, found in facts.there(SCHEDULE):
        definition = {**wanted.properties, "Name": wanted.id, "State": "ENABLED"}
        wrong = None
        if found["State"] != "ENABLED":
            wrong = "is disabled"
        elif found["Target"]["Arn"] != wanted.properties["Target"]["Arn"]:
            wrong = f"calls {found['Target']['Arn']}"
        elif found["ScheduleExpression"] != wanted.properties["ScheduleExpression"]:
            wrong = f"is {found['ScheduleExpression']}"
        if wrong:
            yield Finding(
                "schedule",
                f"The schedule {wanted.id} {wrong}, so nothing is flushed as it should be",
                facts.place.aws(
                    *("scheduler", "update-schedule", "--cli-input-json", json.dumps(definition))
                ),
            )


def roles(facts: Facts) -> Iterator[Finding]:
    """Each role allows what its function does."""
    for wanted, found in facts.there(ROLE):
        for name, document in _policies(facts, wanted):
            missing = set(actions(document)) - set(actions(found.get(name, {})))
            if missing:
                named = ", ".join(sorted({action for action, _ in missing}))
                yield Finding(
                    "permissions",
                    f"The role {wanted.id} does not allow {named}",
                    facts.place.aws(
                        *("iam", "put-role-policy", "--role-name", wanted.id),
                        *("--policy-name", name, "--policy-document", json.dumps(document)),
                    ),
                )


def reserves(facts: Facts) -> Iterator[Finding]:
    """Nothing keeps a function from running, and the account has room for all of them."""
    demand = 0
    for wanted, found in facts.there(FUNCTION):
        reserve, needed = found.get("Concurrency", {}), _at_once(facts, wanted)
        reserved = reserve.get("ReservedConcurrentExecutions")
        demand += needed if reserved is None else 0
        if reserved is not None and reserved < needed:
            yield Finding(
                "concurrency",
                f"The function {wanted.id} may run {reserved} times at once, and takes {needed}",
                facts.place.aws(
                    *("lambda", "delete-function-concurrency", "--function-name", wanted.id)
                ),
            )
    if facts.unreserved is not None and facts.unreserved < demand:
        yield Finding(
            "concurrency",
            f"The account's functions may run {facts.unreserved} times at once, all together, "
            f"and the stack takes {demand}",
            facts.place.aws(
                *("service-quotas", "request-service-quota-increase", "--service-code", "lambda"),
                *("--quota-code", "L-B99A9384", "--desired-value", "1000"),
            ),
        )


def subscriptions(facts: Facts) -> Iterator[Finding]:
    """Whoever is to hear of alarms has confirmed it."""
    for wanted, found in facts.there(TOPIC):
        confirmed = {
            one["Endpoint"]
            for one in found["Subscriptions"]
            if one["SubscriptionArn"].startswith("arn:")
        }
        for one in wanted.properties.get("Subscription", []):
            if one["Endpoint"] not in confirmed:
                yield Finding(
                    "alarms",
                    f"{one['Endpoint']} has not confirmed, so nobody hears of an alarm; "
                    "confirm the mail that comes of this",
                    facts.place.aws(
                        *("sns", "subscribe", "--topic-arn", wanted.id),
                        *("--protocol", one["Protocol"], "--notification-endpoint"),
                        one["Endpoint"],
                    ),
                )


def _policies(facts: Facts, role: Resource) -> Iterator[tuple[str, Found]]:
    """Yield name and document of each policy that a role is to have."""
    own = role.properties.get("Policies", [])
    given = (policy.properties for policy, _ in facts.there(POLICY))
    for policy in (*own, *(one for one in given if role.id in one["Roles"])):
        yield policy["PolicyName"], policy["PolicyDocument"]


def _at_once(facts: Facts, function: Resource) -> int:
    """Return how many executions at once a function takes: as many as its mapping allows."""
    for mapping, _ in facts.there(MAPPING):
        if mapping.properties["FunctionName"].endswith(f":{function.id}"):
            most: int = mapping.properties["ScalingConfig"]["MaximumConcurrency"]
            return most
    return 1


def _restore(facts: Facts, table: Resource) -> str:
    """Return what brings a table back: DynamoDB keeps a backup of one that was deleted.

    "If you delete a table that has PITR enabled, a system backup is automatically created and is
    retained for 35 days." https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
    """
    find = facts.place.aws(
        *("dynamodb", "list-backups", "--table-name", table.id, "--backup-type", "SYSTEM"),
        *("--query", "BackupSummaries[-1].BackupArn", "--output", "text"),
    )
    restore = ("dynamodb", "restore-table-from-backup", "--target-table-name", table.id)
    return facts.place.aws(*restore) + f' --backup-arn "$({find})"'


def _attributes(queue: Resource) -> Mapping[str, str]:
    """Return what a queue is to have, as its API wants it."""
    named = ("MessageRetentionPeriod", "VisibilityTimeout", "RedrivePolicy")
    return {name: _text(queue.properties[name]) for name in named if name in queue.properties}


def _text(value: Any) -> str:  # noqa: ANN401  # CloudFormation's numbers are SQS's texts
    """Return an attribute of a queue, so that what is equal is equal as text."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict):
        return json.dumps({name: str(item) for name, item in sorted(value.items())})
    return str(value)


def _set_queue(facts: Facts, url: str, attributes: Found) -> str:
    return facts.place.aws(
        *("sqs", "set-queue-attributes", "--queue-url", url),
        *("--attributes", json.dumps(attributes)),
    )
