"""What the database itself holds true of dispatches and attempts."""

from django.db import migrations

# The body of a dispatch and its attempts are immutable.
IMMUTABLE = """
CREATE FUNCTION shipping_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The body of a dispatch and its attempts are written once; make a new revision instead of changing % %.',
    TG_TABLE_NAME, OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER shipping_dispatch_immutable BEFORE UPDATE OF consignment_id, revision, key, body, sha256, created_at, action
  ON shipping_dispatch FOR EACH ROW
  WHEN ((OLD.consignment_id, OLD.revision, OLD.key, OLD.body, OLD.sha256, OLD.created_at, OLD.action)
        IS DISTINCT FROM (NEW.consignment_id, NEW.revision, NEW.key, NEW.body, NEW.sha256, NEW.created_at, NEW.action))
  EXECUTE FUNCTION shipping_refuse_change();
CREATE TRIGGER shipping_attempt_immutable BEFORE UPDATE ON shipping_attempt
  FOR EACH ROW EXECUTE FUNCTION shipping_refuse_change();
"""
DROP_IMMUTABLE = """
DROP TRIGGER shipping_attempt_immutable ON shipping_attempt;
DROP TRIGGER shipping_dispatch_immutable ON shipping_dispatch;
DROP FUNCTION shipping_refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('shipping', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(IMMUTABLE, DROP_IMMUTABLE),
    ]
