from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vendors', '0006_options_and_former_slugs'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['vendor', 'name', 'id'], name='vendors_product_names'),
        ),
    ]
