//! The commands of [`Staff`](super::Staff) for either database.

/// The trait for a backend that has `begin` (a transaction that alone may write) and `reader` (a pool), whose connection is `$connection`.
macro_rules! staff {
    ($store:ty, $connection:ty) => {
        impl $crate::store::Staff for $store {
            async fn person(&self, name: &str) -> Outcome<Option<Person>> {
                // PostgreSQL holds no such text, and nobody is called so.
                if name.contains('\0') {
                    return Ok(None);
                }
                let row = query("SELECT name, role, secret_hash, added, locked, totp_step, generation FROM person WHERE name = $1")
                    .bind(name)
                    .fetch_optional(&self.reader)
                    .await?;
                row.as_ref().map(rows::person).transpose()
            }

            async fn people(&self) -> Outcome<Vec<Person>> {
                everybody(&mut *self.reader.acquire().await?).await
            }

            async fn change(&self, change: &Change<'_>, by: By<'_>) -> Outcome<Act> {
                if change.ends_oneself(by) {
                    return Ok(Act::Oneself);
                }
                let mut tx = self.begin().await?;
                let act = carry_out(&mut tx, *change, by).await?;
                if act == Act::Done {
                    tx.commit().await?;
                }
                Ok(act)
            }

            async fn set_up(&self, link: Hash, now: Timestamp) -> Outcome<Option<SetUp>> {
                live_link(&mut *self.reader.acquire().await?, link, now).await
            }

            async fn second_step(&self, name: &str) -> Outcome<Option<SecondStep>> {
                let row = query(
                    "SELECT name, totp_key, totp_step, (SELECT count(*) FROM recovery_code WHERE person = name) AS codes
                     FROM person WHERE name = $1 AND totp_key IS NOT NULL",
                )
                .bind(name)
                .fetch_optional(&self.reader)
                .await?;
                row.as_ref().map(rows::second_step).transpose()
            }

            async fn people_of_browser(&self, browser: Hash) -> Outcome<Vec<String>> {
                let found = query_scalar("SELECT person FROM known_browser WHERE token = $1 ORDER BY person")
                    .bind(browser.as_slice())
                    .fetch_all(&self.reader)
                    .await?;
                Ok(found)
            }

            async fn keep_first_link(&self, link: NewLink, by: By<'_>) -> Outcome<bool> {
                let mut tx = self.begin().await?;
                let people = everybody(&mut tx).await?;
                if people.iter().any(|person| person.role == Role::Operator) {
                    return Ok(false);
                }
                query("DELETE FROM set_up_link WHERE person IS NULL").execute(&mut *tx).await?;
                query("INSERT INTO set_up_link (token, person, expires) VALUES ($1, NULL, $2)")
                    .bind(link.token.as_slice())
                    .bind(link.expires_at.as_millisecond())
                    .execute(&mut *tx)
                    .await?;
                note(&mut tx, by, "people link", "for the first operator").await?;
                tx.commit().await?;
                Ok(true)
            }

            async fn acts(&self, span: Span, limit: u32) -> Outcome<Vec<Done>> {
                let (sql, from) = match span {
                    Span::Newest => (NEWEST, i64::MAX),
                    Span::Before(number) => (NEWEST, signed(number)),
                    Span::After(number) => (NEXT, signed(number)),
                };
                let found = query(sql)
                    .bind(from)
                    .bind(i64::from(limit))
                    .fetch_all(&self.reader)
                    .await?;
                let mut acts = found.iter().map(rows::done).collect::<Result<Vec<_>, _>>()?;
                if matches!(span, Span::After(_)) {
                    acts.reverse();
                }
                Ok(acts)
            }

            async fn person_of(&self, subject: &Subject) -> Outcome<Option<String>> {
                noted(&mut *self.reader.acquire().await?, subject).await
            }

            async fn subjects(&self) -> Outcome<Vec<Bound>> {
                let found = query(
                    "SELECT issuer, claim, value, person, since FROM subject ORDER BY person, issuer, claim, value",
                )
                .fetch_all(&self.reader)
                .await?;
                found.iter().map(rows::subject).collect()
            }

            async fn bind_subject(&self, name: &str, subject: &Subject, by: By<'_>) -> Outcome<Binding> {
                let mut tx = self.begin().await?;
                let bound = bind(&mut tx, name, subject, by).await?;
                tx.commit().await?;
                Ok(bound)
            }

            async fn unbind_subject(&self, name: &str, subject: &Subject, by: By<'_>) -> Outcome<bool> {
                let mut tx = self.begin().await?;
                if noted(&mut tx, subject).await?.is_none_or(|held| held != name) {
                    return Ok(false);
                }
                query("DELETE FROM subject WHERE issuer = $1 AND claim = $2 AND value = $3")
                    .bind(&subject.issuer)
                    .bind(subject.claim.as_str())
                    .bind(&subject.value)
                    .execute(&mut *tx)
                    .await?;
                let detail = format!("{name} at {}", subject.issuer);
                end_sessions(&mut tx, name).await?;
                note(&mut tx, by, "people disconnect", &detail).await?;
                tx.commit().await?;
                Ok(true)
            }
        }

        const NEWEST: &str = "SELECT number, at, who, action, detail FROM act WHERE number < $1 ORDER BY number DESC LIMIT $2";
        const NEXT: &str = "SELECT number, at, who, action, detail FROM act WHERE number > $1 ORDER BY number LIMIT $2";

        async fn everybody(connection: &mut $connection) -> Outcome<Vec<Person>> {
            let found = query("SELECT name, role, secret_hash, added, locked, totp_step, generation FROM person ORDER BY name")
                .fetch_all(connection)
                .await?;
            found.iter().map(rows::person).collect()
        }

        async fn find(connection: &mut $connection, name: &str) -> Outcome<Option<Person>> {
            let people = everybody(connection).await?;
            Ok(people.into_iter().find(|person| person.name == name))
        }

        /// The person whom this subject is.
        async fn noted(connection: &mut $connection, subject: &Subject) -> Outcome<Option<String>> {
            let found = query_scalar("SELECT person FROM subject WHERE issuer = $1 AND claim = $2 AND value = $3")
                .bind(&subject.issuer)
                .bind(subject.claim.as_str())
                .bind(&subject.value)
                .fetch_optional(connection)
                .await?;
            Ok(found)
        }

        /// [`Staff::bind_subject`](crate::store::Staff::bind_subject) in a transaction; unless it is noted nothing was changed.
        async fn bind(tx: &mut $connection, name: &str, subject: &Subject, by: By<'_>) -> Outcome<Binding> {
            if find(&mut *tx, name).await?.is_none() {
                return Ok(Binding::Nobody);
            }
            if let Some(held) = noted(&mut *tx, subject).await? {
                return Ok(if held == name { Binding::Noted } else { Binding::Taken });
            }
            query("INSERT INTO subject (issuer, claim, value, person, since) VALUES ($1, $2, $3, $4, $5)")
                .bind(&subject.issuer)
                .bind(subject.claim.as_str())
                .bind(&subject.value)
                .bind(name)
                .bind(by.now.as_millisecond())
                .execute(&mut *tx)
                .await?;
            note(tx, by, "people connect", &format!("{name} at {}", subject.issuer)).await?;
            Ok(Binding::Noted)
        }

        /// Gives somebody a generation that nobody ever had, on which no session stands.
        async fn end_sessions(tx: &mut $connection, name: &str) -> Outcome<()> {
            query("UPDATE generation SET last = last + 1").execute(&mut *tx).await?;
            query("UPDATE person SET generation = (SELECT last FROM generation) WHERE name = $1")
                .bind(name)
                .execute(tx)
                .await?;
            Ok(())
        }

        /// Writes down what was done.
        async fn note(tx: &mut $connection, by: By<'_>, action: &str, detail: &str) -> Outcome<()> {
            query(
                "INSERT INTO act (number, at, who, action, detail)
                 VALUES ((SELECT coalesce(max(number), 0) + 1 FROM act), $1, $2, $3, $4)",
            )
            .bind(by.now.as_millisecond())
            .bind(by.who)
            .bind(action)
            .bind(detail)
            .execute(tx)
            .await?;
            Ok(())
        }

        async fn live_link(connection: &mut $connection, link: Hash, now: Timestamp) -> Outcome<Option<SetUp>> {
            // One for the first operator opens nothing once there is an operator.
            let row = query(
                "SELECT person, expires FROM set_up_link WHERE token = $1 AND expires > $2
                 AND (person IS NOT NULL OR NOT EXISTS (SELECT 1 FROM person AS first WHERE first.role = 'operator'))",
            )
                .bind(link.as_slice())
                .bind(now.as_millisecond())
                .fetch_optional(connection)
                .await?;
            row.as_ref().map(rows::set_up).transpose()
        }

        /// [`Staff::change`](crate::store::Staff::change) in a transaction, which is given up unless all is done.
        async fn carry_out(tx: &mut $connection, change: Change<'_>, by: By<'_>) -> Outcome<Act> {
            let who = match change {
                Change::Add { .. } => return add(tx, change, by).await,
                Change::TakeLink { link, name, chosen } => return take_link(tx, link, (name, chosen), by).await,
                Change::Role { name, .. }
                | Change::Lock { name, .. }
                | Change::Unlock { name }
                | Change::Remove { name }
                | Change::Reset { name, .. }
                | Change::Secret { name, .. }
                | Change::BeginSecondStep { name, .. }
                | Change::EndSecondStep { name }
                | Change::Code { name, .. }
                | Change::RecoveryCode { name, .. }
                | Change::Browser { name, .. } => name,
            };
            let people = everybody(tx).await?;
            let Some(before) = people.iter().find(|person| person.name == who) else {
                return Ok(Act::Gone);
            };
            if leaves(change) && is_last(&people, who) {
                return Ok(Act::Last);
            }
            match change {
                Change::Role { role, organisation, .. } => give_role(tx, before, (role, organisation), by).await,
                Change::Lock { .. } => lock(tx, before, true, by).await,
                Change::Unlock { .. } => lock(tx, before, false, by).await,
                Change::Remove { .. } => {
                    query("DELETE FROM person WHERE name = $1").bind(who).execute(&mut *tx).await?;
                    let detail = format!("{who}, who was {}", before.role.as_str());
                    note(tx, by, "people remove", &detail).await?;
                    Ok(Act::Done)
                }
                Change::Reset { link, .. } => reset(tx, who, link, by).await,
                Change::Secret { secret_hash, .. } => {
                    set_secret(tx, who, secret_hash).await?;
                    note(tx, by, "people secret", who).await?;
                    Ok(Act::Done)
                }
                Change::BeginSecondStep { key, step, codes, .. } => {
                    set_second_step(tx, who, Some((key, step, codes))).await?;
                    note(tx, by, "second step", &format!("{who}: begun")).await?;
                    Ok(Act::Done)
                }
                Change::EndSecondStep { .. } => {
                    set_second_step(tx, who, None).await?;
                    note(tx, by, "second step", &format!("{who}: ended")).await?;
                    Ok(Act::Done)
                }
                Change::Code { step, .. } => {
                    let done = query("UPDATE person SET totp_step = $1 WHERE name = $2 AND totp_step < $1")
                        .bind(step)
                        .bind(who)
                        .execute(tx)
                        .await?;
                    Ok(Act::done_if(done.rows_affected() == 1))
                }
                Change::RecoveryCode { code, .. } => {
                    let done = query("DELETE FROM recovery_code WHERE code = $1 AND person = $2")
                        .bind(code.as_slice())
                        .bind(who)
                        .execute(&mut *tx)
                        .await?;
                    if done.rows_affected() == 0 {
                        return Ok(Act::Gone);
                    }
                    note(tx, by, "second step", &format!("{who}: by a recovery code")).await?;
                    Ok(Act::Done)
                }
                Change::Browser { browser, .. } => know(tx, who, browser, by.now).await,
                Change::Add { .. } | Change::TakeLink { .. } => Ok(Act::Gone),
            }
        }

        async fn add(tx: &mut $connection, change: Change<'_>, by: By<'_>) -> Outcome<Act> {
            let Change::Add { name, role, organisation, way_in } = change else {
                return Ok(Act::Gone);
            };
            let name = name.trim();
            let act = insert(&mut *tx, (name, role, organisation), by).await?;
            if act != Act::Done {
                return Ok(act);
            }
            match way_in {
                WayIn::Secret(hash) => set_secret(tx, name, hash).await?,
                WayIn::Link(link) => keep_link(tx, name, link, name, by).await?,
            }
            Ok(Act::Done)
        }

        /// Somebody whom nothing lets in yet.
        async fn insert(
            tx: &mut $connection,
            (name, role, organisation): (&str, &str, &str),
            by: By<'_>,
        ) -> Outcome<Act> {
            if !is_free_name(name) {
                return Ok(Act::no_name());
            }
            let role = match placed(role, organisation) {
                Ok(role) => role,
                Err(act) => return Ok(act),
            };
            let people = everybody(&mut *tx).await?;
            if people.iter().any(|person| same_person(&person.name, name)) {
                return Ok(Act::taken());
            }
            query("INSERT INTO person (name, role, added) VALUES ($1, $2, $3)")
                .bind(name)
                .bind(role.as_str())
                .bind(by.now.as_millisecond())
                .execute(&mut *tx)
                .await?;
            end_sessions(&mut *tx, name).await?;
            note(tx, by, "people add", &format!("{name} as {}", role.as_str())).await?;
            Ok(Act::Done)
        }

        async fn give_role(
            tx: &mut $connection,
            before: &Person,
            (role, organisation): (&str, &str),
            by: By<'_>,
        ) -> Outcome<Act> {
            let role = match placed(role, organisation) {
                Ok(role) => role,
                Err(act) => return Ok(act),
            };
            let name = &before.name;
            query("UPDATE person SET role = $1 WHERE name = $2")
                .bind(role.as_str())
                .bind(name)
                .execute(&mut *tx)
                .await?;
            let detail = format!("{name}, who was {}, is {}", before.role.as_str(), role.as_str());
            note(tx, by, "people role", &detail).await?;
            Ok(Act::Done)
        }

        async fn lock(tx: &mut $connection, before: &Person, locked: bool, by: By<'_>) -> Outcome<Act> {
            if before.locked.is_some() == locked {
                return Ok(Act::Done);
            }
            query("UPDATE person SET locked = $1 WHERE name = $2")
                .bind(locked.then_some(by.now.as_millisecond()))
                .bind(&before.name)
                .execute(&mut *tx)
                .await?;
            let action = if locked { "people lock" } else { "people unlock" };
            note(tx, by, action, &before.name).await?;
            Ok(Act::Done)
        }

        async fn reset(tx: &mut $connection, name: &str, link: NewLink, by: By<'_>) -> Outcome<Act> {
            query("UPDATE person SET secret_hash = NULL WHERE name = $1").bind(name).execute(&mut *tx).await?;
            set_second_step(tx, name, None).await?;
            end_sessions(tx, name).await?;
            for sql in ["DELETE FROM known_browser WHERE person = $1", "DELETE FROM set_up_link WHERE person = $1"] {
                query(sql).bind(name).execute(&mut *tx).await?;
            }
            let connected = query("DELETE FROM subject WHERE person = $1").bind(name).execute(&mut *tx).await?;
            let detail = match connected.rows_affected() {
                0 => name.to_owned(),
                n => format!("{name}; connected accounts ended: {n}"),
            };
            keep_link(tx, name, link, &detail, by).await?;
            Ok(Act::Done)
        }

        async fn keep_link(
            tx: &mut $connection,
            name: &str,
            link: NewLink,
            detail: &str,
            by: By<'_>,
        ) -> Outcome<()> {
            query("INSERT INTO set_up_link (token, person, expires) VALUES ($1, $2, $3)")
                .bind(link.token.as_slice())
                .bind(name)
                .bind(link.expires_at.as_millisecond())
                .execute(&mut *tx)
                .await?;
            note(tx, by, "people link", detail).await
        }

        async fn take_link(
            tx: &mut $connection,
            link: Hash,
            (first, chosen): (&str, Chosen<'_>),
            by: By<'_>,
        ) -> Outcome<Act> {
            let set_up = live_link(&mut *tx, link, by.now).await?;
            let Some(set_up) = set_up else {
                return Ok(Act::Gone);
            };
            let name = match set_up.person {
                Some(name) => name,
                None => {
                    let own = By { who: first.trim(), now: by.now };
                    let act = insert(&mut *tx, (own.who, Role::Operator.as_str(), ""), own).await?;
                    if act != Act::Done {
                        return Ok(act);
                    }
                    own.who.to_owned()
                }
            };
            let own = By { who: &name, now: by.now };
            match chosen {
                Chosen::Secret(hash) => {
                    set_secret(&mut *tx, &name, hash).await?;
                    note(&mut *tx, own, "people secret", "by a link").await?;
                }
                Chosen::Account(subject) => {
                    if bind(&mut *tx, &name, subject, own).await? != Binding::Noted {
                        return Ok(Act::account_taken());
                    }
                }
            }
            query("DELETE FROM set_up_link WHERE token = $1").bind(link.as_slice()).execute(tx).await?;
            Ok(Act::Done)
        }

        async fn set_secret(tx: &mut $connection, name: &str, secret_hash: &str) -> Outcome<()> {
            query("UPDATE person SET secret_hash = $1 WHERE name = $2")
                .bind(secret_hash)
                .bind(name)
                .execute(tx)
                .await?;
            Ok(())
        }

        async fn set_second_step(
            tx: &mut $connection,
            name: &str,
            second: Option<(totp::Key, i64, &[Hash])>,
        ) -> Outcome<()> {
            let (key, step) = second.map(|(key, step, _)| (key.to_vec(), step)).unzip();
            query("UPDATE person SET totp_key = $1, totp_step = $2 WHERE name = $3")
                .bind(key)
                .bind(step)
                .bind(name)
                .execute(&mut *tx)
                .await?;
            query("DELETE FROM recovery_code WHERE person = $1").bind(name).execute(&mut *tx).await?;
            for code in second.map_or(&[][..], |(_, _, codes)| codes) {
                query("INSERT INTO recovery_code (code, person) VALUES ($1, $2)")
                    .bind(code.as_slice())
                    .bind(name)
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        }

        async fn know(tx: &mut $connection, name: &str, browser: Hash, now: Timestamp) -> Outcome<Act> {
            query(
                "INSERT INTO known_browser (token, person, used_day) VALUES ($1, $2, $3)
                 ON CONFLICT (token, person) DO UPDATE SET used_day = excluded.used_day",
            )
            .bind(browser.as_slice())
            .bind(name)
            .bind(day_of(now))
            .execute(&mut *tx)
            .await?;
            query(
                "DELETE FROM known_browser WHERE person = $1 AND (used_day < $2 OR token NOT IN
                   (SELECT token FROM known_browser WHERE person = $1 ORDER BY used_day DESC, token = $3 DESC LIMIT $4))",
            )
            .bind(name)
            .bind(day_of(now) - BROWSER_DAYS)
            .bind(browser.as_slice())
            .bind(BROWSERS)
            .execute(tx)
            .await?;
            Ok(Act::Done)
        }
    };
}
pub(in crate::store) use staff;
