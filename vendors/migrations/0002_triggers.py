"""What the database itself holds true: of stock, of former slugs and of cards."""

from django.db import migrations

# Every variant has a stock row; what is on hand is the sum of its movements, which are written once.
STOCK = """
CREATE FUNCTION vendors_open_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vendors_stock (variant_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_variant_has_stock AFTER INSERT ON vendors_variant
  FOR EACH ROW EXECUTE FUNCTION vendors_open_stock();

CREATE FUNCTION vendors_move_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE vendors_stock SET on_hand = on_hand + NEW.quantity, version = version + 1 WHERE variant_id = NEW.stock_id;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_movement_moves AFTER INSERT ON vendors_stockmovement
  FOR EACH ROW EXECUTE FUNCTION vendors_move_stock();

CREATE FUNCTION vendors_forget_movements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM vendors_stockmovement WHERE stock_id = OLD.variant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_stock_forgets_movements AFTER DELETE ON vendors_stock
  FOR EACH ROW EXECUTE FUNCTION vendors_forget_movements();

CREATE FUNCTION vendors_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% by hand on % is refused: what is on hand is the sum of movements, which are written once.',
    TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER vendors_stock_opens_empty BEFORE INSERT ON vendors_stock FOR EACH ROW
  WHEN ((NEW.on_hand, NEW.version) IS DISTINCT FROM (0, 0)) EXECUTE FUNCTION vendors_refuse_change();
CREATE TRIGGER vendors_stock_changes_by_movement BEFORE UPDATE ON vendors_stock FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND (OLD.variant_id, OLD.on_hand, OLD.version)
        IS DISTINCT FROM (NEW.variant_id, NEW.on_hand, NEW.version)) EXECUTE FUNCTION vendors_refuse_change();
CREATE TRIGGER vendors_movement_immutable BEFORE UPDATE ON vendors_stockmovement FOR EACH ROW
  WHEN ((OLD.id, OLD.stock_id, OLD.kind, OLD.quantity, OLD.why, OLD.at, OLD.reference, OLD.key)
        IS DISTINCT FROM (NEW.id, NEW.stock_id, NEW.kind, NEW.quantity, NEW.why, NEW.at, NEW.reference, NEW.key))
  EXECUTE FUNCTION vendors_refuse_change();
CREATE TRIGGER vendors_movement_stays BEFORE DELETE ON vendors_stockmovement FOR EACH ROW
  WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION vendors_refuse_change();
"""

# An old address leads on, whichever way a product got its new one. The latest product that had the slug has it here.
FORMER_SLUGS = """
CREATE FUNCTION vendors_keep_former_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vendors_formerslug (vendor_id, slug, product_id) VALUES (OLD.vendor_id, OLD.slug, OLD.id)
    ON CONFLICT (vendor_id, slug) DO UPDATE SET product_id = EXCLUDED.product_id;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_product_keeps_former_slug AFTER UPDATE OF slug ON vendors_product
  FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION vendors_keep_former_slug();
"""

# Whatever changes something that a card copies notes the product, in the same transaction. Nobody waits for a note: it is
# a row of its own each time, and vendors.card_refresh makes the card.
CARDS = """
CREATE FUNCTION vendors_note_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN INSERT INTO vendors_staleproduct (product_id) VALUES (OLD.id);
  ELSE INSERT INTO vendors_staleproduct (product_id) VALUES (NEW.id); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_product_stales_card AFTER INSERT OR UPDATE OR DELETE ON vendors_product
  FOR EACH ROW EXECUTE FUNCTION vendors_note_product();

CREATE FUNCTION vendors_note_product_of() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN INSERT INTO vendors_staleproduct (product_id) VALUES (OLD.product_id); END IF;
  IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.product_id <> OLD.product_id THEN
    INSERT INTO vendors_staleproduct (product_id) VALUES (NEW.product_id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_variant_stales_card AFTER INSERT OR UPDATE OR DELETE ON vendors_variant
  FOR EACH ROW EXECUTE FUNCTION vendors_note_product_of();
CREATE TRIGGER vendors_picture_stales_card AFTER INSERT OR UPDATE OR DELETE ON vendors_productimage
  FOR EACH ROW EXECUTE FUNCTION vendors_note_product_of();
CREATE TRIGGER vendors_review_stales_card AFTER INSERT OR DELETE OR UPDATE OF state, stars, product_id ON vendors_review
  FOR EACH ROW EXECUTE FUNCTION vendors_note_product_of();

CREATE FUNCTION vendors_note_product_of_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vendors_staleproduct (product_id) SELECT product_id FROM vendors_variant WHERE id = NEW.variant_id;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_stock_stales_card AFTER UPDATE ON vendors_stock
  FOR EACH ROW WHEN ((OLD.on_hand > 0) <> (NEW.on_hand > 0)) EXECUTE FUNCTION vendors_note_product_of_stock();

CREATE FUNCTION vendors_note_products_of_vendor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vendors_staleproduct (product_id) SELECT id FROM vendors_product WHERE vendor_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_vendor_stales_cards AFTER UPDATE ON vendors_vendor FOR EACH ROW
  WHEN ((OLD.name, OLD.status, OLD.marketplace_id) IS DISTINCT FROM (NEW.name, NEW.status, NEW.marketplace_id))
  EXECUTE FUNCTION vendors_note_products_of_vendor();

CREATE FUNCTION vendors_note_products_of_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vendors_staleproduct (product_id) SELECT p.id FROM vendors_product p
    JOIN vendors_category c ON c.id = p.category_id WHERE NEW.id IN (c.id, c.parent_id);
  RETURN NULL;
END $$;
CREATE TRIGGER vendors_category_stales_cards AFTER UPDATE ON vendors_category FOR EACH ROW
  WHEN ((OLD.name, OLD.parent_id) IS DISTINCT FROM (NEW.name, NEW.parent_id))
  EXECUTE FUNCTION vendors_note_products_of_category();
"""

DROP_STOCK = """
DROP TRIGGER vendors_variant_has_stock ON vendors_variant;
DROP TRIGGER vendors_movement_moves ON vendors_stockmovement;
DROP TRIGGER vendors_movement_immutable ON vendors_stockmovement;
DROP TRIGGER vendors_movement_stays ON vendors_stockmovement;
DROP TRIGGER vendors_stock_forgets_movements ON vendors_stock;
DROP TRIGGER vendors_stock_opens_empty ON vendors_stock;
DROP TRIGGER vendors_stock_changes_by_movement ON vendors_stock;
DROP FUNCTION vendors_open_stock(), vendors_move_stock(), vendors_forget_movements(), vendors_refuse_change();
"""

DROP_FORMER_SLUGS = """
DROP TRIGGER vendors_product_keeps_former_slug ON vendors_product;
DROP FUNCTION vendors_keep_former_slug();
"""

DROP_CARDS = """
DROP TRIGGER vendors_product_stales_card ON vendors_product;
DROP TRIGGER vendors_variant_stales_card ON vendors_variant;
DROP TRIGGER vendors_picture_stales_card ON vendors_productimage;
DROP TRIGGER vendors_stock_stales_card ON vendors_stock;
DROP TRIGGER vendors_review_stales_card ON vendors_review;
DROP TRIGGER vendors_vendor_stales_cards ON vendors_vendor;
DROP TRIGGER vendors_category_stales_cards ON vendors_category;
DROP FUNCTION vendors_note_product(), vendors_note_product_of(), vendors_note_product_of_stock(),
  vendors_note_products_of_vendor(), vendors_note_products_of_category();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('vendors', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(STOCK, DROP_STOCK),
        migrations.RunSQL(FORMER_SLUGS, DROP_FORMER_SLUGS),
        migrations.RunSQL(CARDS, DROP_CARDS),
    ]
