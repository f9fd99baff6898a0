"""Reads a node's open feed of services as any reader of Open Referral UK 3.0 does, knowing its shapes alone.

services.py URL CA

URL is a node's address, CA the file of the authority that it is believed by. SHAPES states the members that version 3.0 of the UK profile of
the Human Services Data Specification (HSDS, docs.openreferraluk.org; schema/*.json of github.com/openreferral/uk-profile) gives each object: their types,
formats and words, with ! behind those that it requires. jsonschema_rs checks them.
"""

import sys

import jsonschema_rs
import requests

from check import check, finish

SHAPES = {
    "service": "id! uuid, organization_id uuid, name! text, description text, url uri, email email, status! active|inactive|defunct|temporarily closed,"
    " fees text, accreditations text, minimum_age number, maximum_age number, assured_date date, assurer_email email, alert text,"
    " last_modified date-time, schedules [schedule], service_areas [service_area], service_at_locations [service_at_location],"
    " languages [thing], organization {organization}, funding [thing], cost_options [cost_option], contacts [thing], attributes [attribute]",
    "organization": "id! uuid, name! text, description! text, email email, website uri, logo text, uri uri, parent_organization_id uuid,"
    " organization_identifiers [thing], attributes [attribute]",
    "schedule": "id! uuid, service_id uuid, service_at_location_id uuid, valid_from date, valid_to date, dtstart date, freq WEEKLY|MONTHLY,"
    " interval number, byday text, bymonthday text, description text, opens_at text, closes_at text, schedule_link uri, attending_type text,"
    " notes text",
    "service_area": "id! uuid, service_id uuid, name text, extent text, extent_type text, uri text, service_area text",
    "service_at_location": "id! uuid, service_id uuid, location_id uuid, location {location}",
    "location": "id! uuid, location_type! physical|postal|virtual, name text, description text, latitude number, longitude number,"
    " external_identifier text, external_identifier_type text, addresses [thing], accessibility [accessibility], attributes [attribute]",
    "accessibility": "id! uuid, location_id uuid, description text, details text, url uri, attributes [attribute], accessibility text",
    "cost_option": "id! uuid, service_id uuid, valid_from date, valid_to date, option text, amount number, amount_description text",
    "attribute": "id! uuid, link_id uuid, taxonomy_term_id uuid, link_type text, taxonomy_term {taxonomy_term}",
    "taxonomy_term": "id! uuid, name! text, description! text, parent_id uuid, taxonomy text, taxonomy_id uuid, term_uri uri, term text",
    "thing": "id! uuid",
    "page": "total_items! count, total_pages! count, page_number! count, size! count, first_page! bool, last_page! bool, empty! bool,"
    " contents! [service]",
}
PLAIN = {"text": {"type": "string"}, "number": {"type": "number"}, "count": {"type": "integer", "minimum": 0}, "bool": {"type": "boolean"}}
FORMATS = ["uuid", "uri", "email", "date", "date-time"]


def member(kind: str) -> dict:
    if kind in PLAIN:
        return PLAIN[kind]
    if kind in FORMATS:
        return {"type": "string", "format": kind}
    name = kind.strip("[]{}")
    if kind.startswith("["):
        return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}
    if kind.startswith("{"):
        return {"$ref": f"#/$defs/{name}"}
    return {"enum": kind.split("|")}


def shape(text: str) -> dict:
    """Members that it does not name are none of the profile's: our feed has none."""
    pairs = [part.strip().split(" ", 1) for part in text.split(",")]
    return {
        "type": "object",
        "properties": {name.rstrip("!"): member(kind) for name, kind in pairs},
        "required": [name[:-1] for name, _ in pairs if name.endswith("!")],
        "additionalProperties": False,
    }


def reader(name: str) -> jsonschema_rs.Validator:
    schema = {"$ref": f"#/$defs/{name}", "$defs": {name: shape(text) for name, text in SHAPES.items()}}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def sound(validator, value) -> bool:
    errors = list(validator.iter_errors(value))
    for error in errors:
        print(error, file=sys.stderr)
    return not errors


def main(url: str, ca: str) -> None:
    session = requests.Session()
    session.verify = ca
    # An authority that the environment names would go before it.
    session.trust_env = False

    def get(path: str, **query):
        answer = session.get(f"{url}{path}", params=query, timeout=30)
        answer.raise_for_status()
        return answer.json()

    page, full = reader("page"), reader("service")
    listed, number = [], 1
    while True:
        at = get("/services", page=number, per_page=2)
        check(f"services: page {number} is one of Open Referral UK 3.0", sound(page, at))
        check(f"services: page {number} says of itself what is so", at["size"] == len(at["contents"]) and at["page_number"] == number)
        listed += at["contents"]
        if at["last_page"] or number > 1000:
            break
        number += 1
    check("services: the pages hold as many as they say", len(listed) == at["total_items"] > 2 and number == at["total_pages"])
    check("services: each has its own identifier", len({service["id"] for service in listed}) == len(listed))
    whole = [get(f"/services/{service['id']}") for service in listed]
    for service in whole:
        check(f"services: {service['name']} is one of Open Referral UK 3.0", sound(full, service))
    for service, of in zip(listed, whole):
        check(f"services: list and whole of {of['name']} agree", all(of.get(name) == value for name, value in service.items()))
    # Something at every place where the profile has it, or the checks above looked at nothing.
    for name in ["schedules", "service_areas", "service_at_locations", "cost_options", "attributes"]:
        check(f"services: some have {name}", any(service[name] for service in whole))
    # The reader itself: what is wrong is found.
    spoilt = [{**whole[0], "id": "1"}, {**whole[0], "status": "open"}, {**whole[0], "name": None}, {**whole[0], "surprise": 1}]
    spoilt.append({name: value for name, value in whole[0].items() if name != "status"})
    check("services: a service that is not as it should be is told", not any(full.is_valid(service) for service in spoilt))
    missing = session.get(f"{url}/services/00000000-0000-4000-8000-000000000000", timeout=30)
    check("services: one that is not there is not found", missing.status_code == 404)


if __name__ == "__main__":
    main(*sys.argv[1:3])
    finish()
