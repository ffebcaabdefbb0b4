from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_order_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='erase_at',
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text='When it is looked at next to erase its buyer’s data; set when their account is deleted.',
                null=True,
            ),
        ),
        migrations.AddField(
            model_name='order',
            name='link_version',
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text='Raised to end the links to its page made before.',
            ),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(
                condition=models.Q(('erase_at__isnull', False)), fields=['erase_at'], name='orders_order_to_erase'
            ),
        ),
    ]
